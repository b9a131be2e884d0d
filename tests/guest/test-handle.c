#include "guest/handle.h"

#include <libvirt/virterror.h>

#include "base/error.h"

#define NOBODY "00000000-0000-4000-8000-000000000001"

static void
test_find(void)
{
    g_autoptr(FerryGuests) guests = ferry_guests_new("test:///default");
    g_autoptr(virDomain) domain = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(ferry_handle_find(guests, NOBODY, &domain, NULL));
    g_assert_null(domain);
    g_assert_false(ferry_handle_find(guests, "../../x", &domain, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_cmpstr(error->message, ==, "\"../../x\" is not a guest's UUID");
}

static void
test_need(void)
{
    g_autoptr(FerryGuests) guests = ferry_guests_new("test:///default");
    g_autoptr(virDomain) domain = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_false(ferry_handle_need(guests, NOBODY, &domain, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
    g_assert_cmpstr(error->message, ==, "libvirt at test:///default has no guest " NOBODY);
    g_assert_null(domain);
}

/* Each provokes one of libvirt's own errors in this thread. */
static void
look_for_nobody(virConnect *connect)
{
    g_assert_null(virDomainLookupByName(connect, "nobody"));
}

static void
define_garbage(virConnect *connect)
{
    g_assert_null(virDomainDefineXML(connect, "<domain"));
}

/* The handle stays for the process's few more moments: dropping it would reset libvirt's error. */
static void
ask_for_job(virConnect *connect)
{
    static virDomain *domain;
    virDomainJobInfo job;

    domain = virDomainLookupByName(connect, "test");
    g_assert_cmpint(virDomainGetJobInfo(domain, &job), <, 0);
}

typedef struct {
    const char *name;
    void (*provoke)(virConnect *connect);
    int libvirt_code;
    int expected; /* a FerryErrorCode, as the signed number that GError holds */
} Row;

static const Row rows[] = {
    { "no-domain", look_for_nobody, VIR_ERR_NO_DOMAIN, FERRY_ERROR_NOT_FOUND },
    { "malformed", define_garbage, VIR_ERR_XML_DETAIL, FERRY_ERROR_INVALID },
    { "unsupported", ask_for_job, VIR_ERR_NO_SUPPORT, FERRY_ERROR_UNSUPPORTED },
};

static void
test_failed(gconstpointer data)
{
    const Row *row = data;
    g_autoptr(virConnect) connect = virConnectOpen("test:///default");
    g_autofree char *message = NULL;
    g_autoptr(GError) error = NULL;

    row->provoke(connect);
    g_assert_cmpint(ferry_handle_error_code(), ==, row->libvirt_code);
    message = g_strdup_printf("cannot do x: %s", virGetLastErrorMessage());
    g_assert_false(ferry_handle_failed(&error, "do", "x"));
    g_assert_error(error, FERRY_ERROR, row->expected);
    g_assert_cmpstr(error->message, ==, message);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/handle/find", test_find);
    g_test_add_func("/handle/need", test_need);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/handle/failed/", rows[i].name, NULL);
        g_test_add_data_func(path, &rows[i], test_failed);
    }
    return g_test_run();
}
