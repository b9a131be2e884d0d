#include "cli/guest-start.h"

#include <pthread.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/error.h"
#include "cli/call.h"
#include "cli/command.h"
#include "cli/quantity.h"

/* What libvirt may take besides, and ferryd to undo it: neither has a limit of its own. */
#define MARGIN_MS 600000
#define TELL_MS   1000

const FerryOption ferry_guest_start_options[] = {
    { "allow-degraded", 0, NULL, "start without the VFs that are not to be had", 0 },
    { "timeout", 0, "TIME", "how long to wait for devices that are not ready yet (30s)", 0 },
    { NULL, 0, NULL, NULL, 0 },
};

const FerryOption ferry_guest_stop_options[] = {
    { "force", 0, NULL, "end the guest's QEMU at once", 0 },
    { "timeout", 0, "TIME", "how long to wait for the guest to shut down (60s)", 0 },
    { NULL, 0, NULL, NULL, 0 },
};

/* A command on its way: ferryd answers at the end of it only, so another thread tells meanwhile
 * what it waits for. */
typedef struct {
    const FerryArguments *arguments;
    const char *guest;
    pthread_mutex_t lock;
    pthread_cond_t over;
    bool is_over;
} Teller;

static bool
wait_until_over(Teller *self)
{
    const struct timespec deadline = ferry_clock_deadline(TELL_MS);
    bool is_over = false;

    (void)pthread_mutex_lock(&self->lock);
    if (!self->is_over)
        (void)pthread_cond_timedwait(&self->over, &self->lock, &deadline);
    is_over = self->is_over;
    (void)pthread_mutex_unlock(&self->lock);
    return is_over;
}

static void *
tell(void *data)
{
    Teller *self = data;
    const char *const segments[] = { "guests", self->guest, "start", NULL };
    g_autoptr(FerryClient) client = ferry_call_connect(self->arguments);
    g_autofree char *told = NULL;

    while (!wait_until_over(self)) {
        g_auto(FerryReply) reply = { 0 };
        const char *waiting_for = NULL;

        if (ferry_call(client, "GET", segments, NULL, &reply, NULL))
            waiting_for = json_string_value(json_object_get(reply.body, "waiting_for"));
        if (waiting_for == NULL || g_strcmp0(told, waiting_for) == 0)
            continue;
        g_free(told);
        told = ferry_table_printable(waiting_for);
        (void)fprintf(stderr, "ferry: waiting: %s\n", told);
    }
    return NULL;
}

static void
teller_init(Teller *self, const FerryArguments *arguments, const char *guest)
{
    pthread_condattr_t monotonic;

    *self = (Teller){ .arguments = arguments, .guest = guest };
    (void)pthread_mutex_init(&self->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&self->over, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
}

static void
teller_end(Teller *self, pthread_t thread)
{
    (void)pthread_mutex_lock(&self->lock);
    self->is_over = true;
    (void)pthread_cond_signal(&self->over);
    (void)pthread_mutex_unlock(&self->lock);
    (void)pthread_join(thread, NULL);
}

/* Adds the option's time to @body; less than a second is a second, not none. */
static bool
read_timeout(const FerryArguments *arguments, json_t *body, int64_t *ret_ms, GError **error)
{
    const char *text = ferry_arguments_value(arguments, "timeout");
    uint64_t ms = 0;
    int64_t seconds = 0;

    if (text == NULL)
        return true;
    if (!ferry_quantity_parse_wait(text, &ms, error)) {
        g_prefix_error(error, "--timeout: ");
        return false;
    }
    seconds = (int64_t)((ms + 999) / 1000);
    json_object_set_new(body, "timeout_s", json_integer(seconds));
    *ret_ms = seconds * 1000;
    return true;
}

static bool
post(const FerryArguments *arguments,
     const char *verb,
     json_t *body,
     int64_t timeout_ms,
     FerryReply *ret,
     GError **error)
{
    const char *guest = ferry_arguments_word(arguments, 0);
    const char *const segments[] = { "guests", guest, verb, NULL };
    g_autofree char *path = ferry_call_path(segments);
    g_autoptr(FerryClient) client = ferry_call_connect(arguments);
    Teller teller;
    pthread_t thread;
    bool tells = false, ok = false;

    teller_init(&teller, arguments, guest);
    tells = pthread_create(&thread, NULL, tell, &teller) == 0;
    ok = ferry_client_call(client, "POST", path, body, timeout_ms + MARGIN_MS, ret, error);
    if (tells)
        teller_end(&teller, thread);
    return ok;
}

static int
report(const FerryArguments *arguments, const json_t *answer)
{
    const json_t *degraded = json_object_get(answer, "degraded");
    const json_t *guest = json_object_get(answer, "guest");
    const char *left = json_string_value(json_object_get(answer, "left"));
    g_autofree char *name =
        ferry_table_printable(json_string_value(json_object_get(guest, "name")));
    const json_t *one = NULL;
    size_t i = 0;

    if (ferry_call_print(arguments) == FERRY_PRINT_JSON) {
        ferry_table_print_json(stdout, answer);
    } else {
        printf("guest %s is %s%s\n", name, json_string_value(json_object_get(answer, "state")),
               json_is_true(json_object_get(answer, "already")) ? " already" : "");
        json_array_foreach(degraded, i, one)(void) fprintf(
            stderr, "ferry: degraded: %s: %s\n", json_string_value(json_object_get(one, "alias")),
            json_string_value(json_object_get(one, "message")));
        if (left != NULL)
            (void)fprintf(stderr, "ferry: %s\nferry: ferryd goes on trying to release it\n", left);
    }
    return json_array_size(degraded) > 0 ? FERRY_EXIT_DEGRADED : FERRY_EXIT_DONE;
}

static int
run(const FerryArguments *arguments, const char *verb, json_t *body, int64_t timeout_ms)
{
    g_auto(FerryReply) reply = { 0 };
    g_autoptr(GError) error = NULL;
    bool ok = read_timeout(arguments, body, &timeout_ms, &error) &&
              post(arguments, verb, body, timeout_ms, &reply, &error);

    json_decref(body);
    if (!ok)
        return ferry_command_fail(error);
    if (ferry_call_is_refused(&reply))
        return ferry_call_refused(arguments, &reply);
    return report(arguments, reply.body);
}

int
ferry_guest_start(FerryArguments *arguments)
{
    return run(
        arguments, "start",
        json_pack("{s:b}", "allow_degraded", ferry_arguments_given(arguments, "allow-degraded")),
        30000);
}

int
ferry_guest_stop(FerryArguments *arguments)
{
    return run(arguments, "stop",
               json_pack("{s:b}", "force", ferry_arguments_given(arguments, "force")), 60000);
}
