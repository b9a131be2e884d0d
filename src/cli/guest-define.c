/* "ferry guest define" and "ferry guest add-device": what ferryd made of a definition is shown. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "cli/attribute.h"
#include "cli/call.h"
#include "cli/compat-input.h"
#include "cli/guest-define.h"

/* As ferryd reads it. */
#define XML_MAX_BYTES ((size_t)1 << 20)

const FerryOption ferry_guest_define_options[] = {
    { "check-only", 0, NULL, "print what would be defined, and change nothing",
      FERRY_OPTION_OPTIONAL },
    { "dry-run", 0, NULL, "the same", FERRY_OPTION_OPTIONAL },
    { NULL, 0, NULL, NULL, FERRY_OPTION_OPTIONAL },
};

/* clang-format off */
const FerryOption ferry_guest_add_device_options[] = {
    { "mdev-type", 0, "TYPE",       "an mdev of this type, made at start and removed at stop", FERRY_OPTION_OPTIONAL },
    { "parent",    0, "PARENT",     "where it is made",                                        FERRY_OPTION_OPTIONAL },
    { "pool",      0, "POOL",       "or from which pool",                                      FERRY_OPTION_OPTIONAL },
    { "uuid",      0, "UUID",       "its UUID, else a new one",                                FERRY_OPTION_OPTIONAL },
    { "model",     0, "MODEL",      "vfio-pci, vfio-ccw or vfio-ap",                           FERRY_OPTION_OPTIONAL },
    { "attr",      0, "NAME=VALUE", "an attribute to set, in the order given; may be repeated", FERRY_OPTION_REPEATED },
    { "hybrid",    0, "POOL",       "a hybrid NIC of this pool",                               FERRY_OPTION_OPTIONAL },
    { "mac",       0, "MAC",        "its MAC address, else a new one",                         FERRY_OPTION_OPTIONAL },
    { "on-no-vf",  0, "WORD",       "refuse or degrade: what a start does without a free VF",  FERRY_OPTION_OPTIONAL },
    { "alias",     0, "ALIAS",      "the new device's alias, ua-…, else the first free ua-ferryN", FERRY_OPTION_OPTIONAL },
    { "ephemeral", 0, "ALIAS",      "mark the device with this alias as ephemeral",            FERRY_OPTION_OPTIONAL },
    { "check-only", 0, NULL,        "print what would be defined, and change nothing",         FERRY_OPTION_OPTIONAL },
    { NULL, 0, NULL, NULL, FERRY_OPTION_OPTIONAL },
};
/* clang-format on */

static bool
read_xml(const char *path, json_t *body, GError **error)
{
    g_autofree char *text = NULL;
    size_t size = 0;

    if (!ferry_compat_read(path, XML_MAX_BYTES, &text, &size, error))
        return false;
    if (size == 0 || !g_utf8_validate(text, (gssize)size, NULL)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "%s: %s", path,
                    size == 0 ? "it is empty"
                              : "it is not UTF-8: convert it, iconv(1), and take the encoding out "
                                "of its first line");
        return false;
    }
    (void)json_object_set_new(body, "xml", json_stringn(text, size));
    return true;
}

static void
print_notes(FILE *stream, const json_t *notes)
{
    const json_t *note = NULL;
    size_t i = 0;

    json_array_foreach(notes, i, note)
    {
        const char *kind = json_string_value(json_object_get(note, "kind"));
        const char *message = json_string_value(json_object_get(note, "message"));
        g_autofree char *clean = ferry_table_printable(message != NULL ? message : "");

        fprintf(stream, "%s%s\n", g_strcmp0(kind, "warning") == 0 ? "warning: " : "", clean);
    }
}

/* What was checked only is XML, for a file or a pipe: what is said of it goes elsewhere. */
static void
print_answer(const FerryArguments *arguments, const json_t *answer)
{
    const char *xml = json_string_value(json_object_get(answer, "xml"));
    const json_t *guest = json_object_get(answer, "guest");
    const char *name = json_string_value(json_object_get(guest, "name"));

    if (ferry_call_print(arguments) == FERRY_PRINT_JSON) {
        ferry_table_print_json(stdout, answer);
        return;
    }
    print_notes(xml != NULL ? stderr : stdout, json_object_get(answer, "notes"));
    if (xml != NULL)
        printf("%s%s", xml, g_str_has_suffix(xml, "\n") ? "" : "\n");
    else if (name != NULL)
        printf("guest %s %s\n", name,
               json_is_true(json_object_get(answer, "already")) ? "has this device already"
                                                                : "is defined");
}

/* @file: (nullable): whose lines a complaint is about; @body: (transfer full) */
static int
send(const FerryArguments *arguments, const char *const *segments, const char *file, json_t *body)
{
    g_autoptr(FerryClient) client = ferry_call_connect(arguments);
    g_auto(FerryReply) reply = { 0 };
    g_autoptr(GError) error = NULL;

    if (ferry_arguments_given(arguments, "check-only") ||
        (file != NULL && ferry_arguments_given(arguments, "dry-run")))
        (void)json_object_set_new(body, "check_only", json_true());
    if (!ferry_call(client, "POST", segments, body, &reply, &error)) {
        if (file != NULL && g_error_matches(error, FERRY_ERROR, FERRY_ERROR_INVALID))
            g_prefix_error(&error, "%s: ", file);
        return ferry_command_fail(error);
    }
    if (ferry_call_is_refused(&reply))
        return ferry_call_refused(arguments, &reply);
    print_answer(arguments, reply.body);
    return FERRY_EXIT_DONE;
}

int
ferry_guest_define(FerryArguments *arguments)
{
    static const char *const segments[] = { "guests", NULL };
    const char *file = ferry_arguments_word(arguments, 0);
    json_t *body = json_object();
    g_autoptr(GError) error = NULL;

    if (!read_xml(file, body, &error)) {
        json_decref(body);
        return ferry_command_fail(error);
    }
    return send(arguments, segments, file, body);
}

/* An option of a device, and its member of the request. */
typedef struct {
    const char *option, *key;
} Member;

static const Member of_mdev[] = {
    { "mdev-type", "type" }, { "parent", "parent" }, { "pool", "pool" },
    { "uuid", "uuid" },      { "model", "model" },   { "alias", "alias" },
};

static const Member of_hybrid[] = {
    { "hybrid", "pool" },
    { "mac", "mac" },
    { "on-no-vf", "on_no_vf" },
    { "alias", "alias" },
};

static json_t *
collect(const FerryArguments *arguments, const Member *members, size_t n_members)
{
    json_t *object = json_object();

    for (size_t i = 0; i < n_members; i++) {
        const char *value = ferry_arguments_value(arguments, members[i].option);

        if (value != NULL)
            (void)json_object_set_new(object, members[i].key, json_string(value));
    }
    return object;
}

/* What no single option shows: a new device's own alias, and where an mdev is made. */
static bool
check_mdev(const FerryArguments *arguments, GError **error)
{
    const bool is_mdev = ferry_arguments_given(arguments, "mdev-type");
    const bool is_new = is_mdev || ferry_arguments_given(arguments, "hybrid");

    if (ferry_arguments_given(arguments, "alias") && !is_new) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "--alias goes with --mdev-type or --hybrid only");
        return false;
    }
    if (is_mdev &&
        ferry_arguments_given(arguments, "parent") == ferry_arguments_given(arguments, "pool")) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "--mdev-type needs --parent PARENT or --pool POOL, one of them");
        return false;
    }
    return true;
}

/* Options of one way to name a device beside those of another would be lost unnoticed. */
static bool
check_ways(const FerryArguments *arguments, const char *file, GError **error)
{
    static const struct {
        const char *option;
        const char *way; /* the option that it goes with; NULL: it is a way itself */
    } options[] = {
        { "mdev-type", NULL },     { "hybrid", NULL },      { "ephemeral", NULL },
        { "parent", "mdev-type" }, { "pool", "mdev-type" }, { "uuid", "mdev-type" },
        { "model", "mdev-type" },  { "attr", "mdev-type" }, { "mac", "hybrid" },
        { "on-no-vf", "hybrid" },
    };
    unsigned n_ways = file != NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(options); i++) {
        if (!ferry_arguments_given(arguments, options[i].option))
            continue;
        n_ways += options[i].way == NULL;
        if (options[i].way != NULL && !ferry_arguments_given(arguments, options[i].way)) {
            g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "--%s goes with --%s only",
                        options[i].option, options[i].way);
            return false;
        }
    }
    if (n_ways != 1)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "one of --mdev-type, --hybrid, --ephemeral and a FILE says what is added");
    return n_ways == 1;
}

static bool
read_device(const FerryArguments *arguments, const char *file, json_t *body, GError **error)
{
    json_t *device = NULL;

    if (!check_ways(arguments, file, error) || !check_mdev(arguments, error))
        return false;
    if (file != NULL)
        return read_xml(file, body, error);
    if (ferry_arguments_given(arguments, "hybrid")) {
        device = collect(arguments, of_hybrid, G_N_ELEMENTS(of_hybrid));
        return json_object_set_new(body, "hybrid", device) == 0;
    }
    if (ferry_arguments_given(arguments, "ephemeral")) {
        device = json_string(ferry_arguments_value(arguments, "ephemeral"));
        return json_object_set_new(body, "ephemeral", device) == 0;
    }
    device = collect(arguments, of_mdev, G_N_ELEMENTS(of_mdev));
    (void)json_object_set_new(body, "mdev", device);
    return ferry_attributes_add(arguments, device, error);
}

int
ferry_guest_add_device(FerryArguments *arguments)
{
    const char *const segments[] = { "guests", ferry_arguments_word(arguments, 0), "devices",
                                     NULL };
    const char *file = ferry_arguments_word(arguments, 1);
    json_t *body = json_object();
    g_autoptr(GError) error = NULL;

    if (!read_device(arguments, file, body, &error)) {
        json_decref(body);
        return ferry_command_fail(error);
    }
    return send(arguments, segments, file, body);
}
