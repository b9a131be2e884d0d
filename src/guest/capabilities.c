/*
 * libvirt is asked, nothing is compared here: it knows which features a CPU model stands for and
 * which of these its QEMU can give.  Its answers, libvirt 11.3: an unknown machine type is "invalid
 * argument", an architecture without emulator "unsupported configuration", and a CPU that does not
 * fit "CPU incompatible", with the features at the end of the message, "…required features: pcid,
 * avx512f".
 */
#include "guest/capabilities.h"

#include <string.h>

#include <libvirt/virterror.h>

#include "guest/handle.h"
#include "xml/document.h"

void
ferry_host_info_free(FerryHostInfo *self)
{
    if (self == NULL)
        return;
    g_free(self->name);
    g_free(self->libvirt_version);
    g_free(self->qemu_version);
    g_free(self);
}

/* libvirt's numbers are 1000000 × major + 1000 × minor + release. */
static char *
format_version(unsigned long number)
{
    return g_strdup_printf("%lu.%lu.%lu", number / 1000000, number / 1000 % 1000, number % 1000);
}

bool
ferry_guests_host(FerryGuests *self, FerryHostInfo **ret, GError **error)
{
    g_autoptr(FerryHostInfo) info = g_new0(FerryHostInfo, 1);
    g_autoptr(virConnect) connect = NULL;
    unsigned long libvirt = 0;
    unsigned long qemu = 0;
    char *name = NULL;

    if (!ferry_guests_connect(self, &connect, error))
        return false;
    if (virConnectGetLibVersion(connect, &libvirt) < 0 ||
        virConnectGetVersion(connect, &qemu) < 0 || (name = virConnectGetHostname(connect)) == NULL)
        return ferry_handle_failed(error, "ask for versions of", ferry_guests_uri(self));
    info->name = g_strdup(name);
    info->libvirt_version = format_version(libvirt);
    info->qemu_version = format_version(qemu);
    free(name);
    *ret = g_steal_pointer(&info);
    return true;
}

static const char *const codes[] = {
    [FERRY_LACK_VIRT_TYPE] = "virt-type",
    [FERRY_LACK_EMULATOR] = "emulator",
    [FERRY_LACK_MACHINE] = "machine-type",
    [FERRY_LACK_CPU_MODEL] = "cpu-model",
    [FERRY_LACK_CPU_FEATURE] = "cpu-feature",
    [FERRY_LACK_HUGE_PAGES] = "huge-pages",
    [FERRY_LACK_TPM] = "no-tpm",
};
G_STATIC_ASSERT(G_N_ELEMENTS(codes) == FERRY_LACK_N_KINDS);

const char *
ferry_lack_code(FerryLackKind kind)
{
    return codes[kind];
}

void
ferry_lack_free(FerryLack *self)
{
    if (self == NULL)
        return;
    g_free(self->what);
    g_free(self);
}

static void
add_lack(GPtrArray *lacks, FerryLackKind kind, char *what)
{
    FerryLack *lack = g_new0(FerryLack, 1);

    lack->kind = kind;
    lack->what = what;
    g_ptr_array_add(lacks, lack);
}

typedef struct {
    virConnect *connect;
    const FerryDomain *domain;
    GPtrArray *lacks;
    char *offered; /* (nullable): the domain capabilities asked for last; NULL: refused */
} Question;

/*
 * Whether libvirt's refusal is an answer to the question, not a failure to answer.  A QEMU that is
 * not there is a "system error", as is the end of the connection.
 */
static bool
is_answer(virConnect *connect)
{
    const int code = ferry_handle_error_code();

    return code == VIR_ERR_INVALID_ARG || code == VIR_ERR_CONFIG_UNSUPPORTED ||
           code == VIR_ERR_NO_SUPPORT ||
           (code == VIR_ERR_SYSTEM_ERROR && virConnectIsAlive(connect) == 1);
}

/* @emulator, @machine: (nullable): whatever is the default */
static bool
ask_offer(Question *question, const char *emulator, const char *machine, GError **error)
{
    const FerryDomain *domain = question->domain;
    g_autoptr(GError) refusal = NULL;

    free(question->offered);
    question->offered = virConnectGetDomainCapabilities(question->connect, emulator, domain->arch,
                                                        machine, domain->type, 0);
    if (question->offered != NULL)
        return true;
    (void)ferry_handle_failed(&refusal, "ask what this host offers to guest", domain->name);
    if (is_answer(question->connect))
        return true;
    g_propagate_error(error, g_steal_pointer(&refusal));
    return false;
}

/* From the general to the particular; the first "no" ends it, for what follows would be "no" too.
 */
static bool
ask_machine(Question *question, GError **error)
{
    const FerryDomain *domain = question->domain;
    g_autofree char *virt_type = g_strdup_printf("%s for %s", domain->type, domain->arch);
    const struct {
        FerryLackKind kind;
        const char *emulator;
        const char *machine;
        const char *what;
    } steps[] = {
        { FERRY_LACK_VIRT_TYPE, NULL, NULL, virt_type },
        { FERRY_LACK_EMULATOR, domain->emulator, NULL, domain->emulator },
        { FERRY_LACK_MACHINE, domain->emulator, domain->machine, domain->machine },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
        if (!ask_offer(question, steps[i].emulator, steps[i].machine, error))
            return false;
        if (question->offered == NULL) {
            add_lack(question->lacks, steps[i].kind, g_strdup(steps[i].what));
            return true;
        }
    }
    return true;
}

static bool
has_value(const xmlNode *values, const char *wanted)
{
    for (const xmlNode *node = ferry_document_first(values); node != NULL;
         node = ferry_document_next(node)) {
        g_autofree char *value = ferry_document_text(node);

        if (g_strcmp0(value, wanted) == 0)
            return true;
    }
    return false;
}

/* Libvirt 11.3 lists "emulator" among the backends where it finds swtpm. */
static bool
offers_emulated_tpm(const xmlNode *tpm)
{
    for (const xmlNode *node = ferry_document_first(tpm); node != NULL;
         node = ferry_document_next(node)) {
        g_autofree char *name = ferry_document_attribute(node, "name");

        if (g_strcmp0(name, "backendModel") == 0)
            return has_value(node, "emulator");
    }
    return false;
}

static bool
check_tpm(const Question *question, GError **error)
{
    g_autoptr(xmlDoc) document = NULL;
    const xmlNode *devices = NULL;

    if (question->domain->tpm_state == NULL)
        return true;
    if (!ferry_document_parse(question->offered, FERRY_DOMAIN_MAX_BYTES, "domain capabilities",
                              "domainCapabilities", &document, error))
        return false;
    devices = ferry_document_child(xmlDocGetRootElement(document), "devices");
    if (!offers_emulated_tpm(ferry_document_child(devices, "tpm")))
        add_lack(question->lacks, FERRY_LACK_TPM, g_strdup("an emulated TPM (swtpm)"));
    return true;
}

/* One row a feature; without a list the words themselves, so that a person can judge. */
static void
add_cpu_lacks(GPtrArray *lacks, const char *words)
{
    static const char before_list[] = "features: ";
    const char *list = strstr(words, before_list);
    g_auto(GStrv) features = NULL;

    if (list == NULL) {
        add_lack(lacks, FERRY_LACK_CPU_MODEL, g_strdup(words));
        return;
    }
    features = g_strsplit(list + strlen(before_list), ", ", -1);
    for (char **feature = features; *feature != NULL; feature++)
        add_lack(lacks, FERRY_LACK_CPU_FEATURE, g_strdup(*feature));
}

static bool
ask_cpu(const Question *question, GError **error)
{
    const FerryDomain *domain = question->domain;
    const int answer = virConnectCompareHypervisorCPU(
        question->connect, domain->emulator, domain->arch, domain->machine, domain->type,
        domain->cpu_xml, VIR_CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE);
    const int code = ferry_handle_error_code();

    if (answer >= 0)
        return true;
    /* A model or feature that this libvirt has never heard of is an "internal error". */
    if (code != VIR_ERR_CPU_INCOMPATIBLE && code != VIR_ERR_INTERNAL_ERROR)
        return ferry_handle_failed(error, "compare this host's CPU with that of guest",
                                   domain->name);
    add_cpu_lacks(question->lacks, virGetLastErrorMessage());
    return true;
}

/* What only a machine that is offered can have. */
static bool
ask_of_machine(const Question *question, GError **error)
{
    return (question->domain->cpu_xml == NULL || ask_cpu(question, error)) &&
           check_tpm(question, error);
}

/* "Hugepagesize:    2048 kB" (proc_meminfo(5)), which a <hugepages/> without a size stands for. */
static uint64_t
default_page_kib(void)
{
    g_autofree char *text = NULL;
    const char *at = NULL;

    if (!g_file_get_contents("/proc/meminfo", &text, NULL, NULL) ||
        (at = strstr(text, "\nHugepagesize:")) == NULL)
        return 0;
    return g_ascii_strtoull(at + strlen("\nHugepagesize:"), NULL, 10);
}

/* QEMU takes all of the guest's memory at its start, or does not start.  How a guest of several
 * sizes divides its memory among them is its own affair: one of each is asked for. */
static bool
ask_pages(const Question *question, GError **error)
{
    const FerryDomain *domain = question->domain;

    for (guint i = 0; domain->page_bytes != NULL && i < domain->page_bytes->len; i++) {
        const uint64_t bytes = g_array_index(domain->page_bytes, uint64_t, i);
        const uint64_t kib = bytes != 0 ? bytes >> 10 : default_page_kib();
        const uint64_t needed = domain->page_bytes->len > 1 || kib == 0
                                    ? 1
                                    : ((domain->memory_bytes >> 10) + kib - 1) / kib;
        unsigned int size = (unsigned int)kib;
        unsigned long long n_free = 0;

        /* a size that the host has not is a failure of libvirt's to read its files */
        if (virNodeGetFreePages(question->connect, 1, &size, -1, 1, &n_free, 0) < 0 &&
            virConnectIsAlive(question->connect) != 1)
            return ferry_handle_failed(error, "ask for the free huge pages for guest",
                                       domain->name);
        if (n_free < needed)
            add_lack(question->lacks, FERRY_LACK_HUGE_PAGES,
                     g_strdup_printf("%" G_GUINT64_FORMAT " free huge pages of %u KiB (%llu are "
                                     "free)",
                                     needed, size, n_free));
    }
    return true;
}

bool
ferry_guests_lacks(FerryGuests *self, const FerryDomain *domain, GPtrArray **ret, GError **error)
{
    g_autoptr(GPtrArray) lacks = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_lack_free);
    g_autoptr(virConnect) connect = NULL;
    Question question = { NULL, domain, lacks, NULL };
    bool ok = false;

    if (!ferry_guests_connect(self, &connect, error))
        return false;
    question.connect = connect;
    ok = ask_machine(&question, error) &&
         (question.offered == NULL || ask_of_machine(&question, error)) &&
         ask_pages(&question, error);
    free(question.offered);
    if (ok)
        *ret = g_steal_pointer(&lacks);
    return ok;
}
