/*
 * libFuzzer target: any bytes as a definition of mdevctl.  What is read must come back the same
 * from the JSON that mdevctl would write of it.
 */
#include <stdint.h>
#include <string.h>

#include <jansson.h>

#include "base/error.h"
#include "host/definition.h"

#define PARENT "mtty"
#define UUID   "0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_t, json_decref)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As mdevctl writes it. */
static char *
format(const FerryDefinition *definition)
{
    json_t *attrs = json_array();
    g_autoptr(json_t) json = json_pack("{s:s, s:s, s:o}", "mdev_type", definition->type, "start",
                                       definition->autostart ? "auto" : "manual", "attrs", attrs);

    for (guint i = 0; i < definition->attrs->len; i++) {
        const FerryDefinitionAttr *attr = g_ptr_array_index(definition->attrs, i);

        g_assert_cmpint(json_array_append_new(attrs, json_pack("{s:s}", attr->name, attr->value)),
                        ==, 0);
    }
    return json_dumps(json, 0);
}

static void
check_round_trip(const FerryDefinition *definition)
{
    g_autoptr(FerryDefinition) again = NULL;
    g_autoptr(GError) error = NULL;
    char *json = format(definition);

    g_assert_true(ferry_definition_parse(PARENT, UUID, json, &again, &error));
    free(json);
    g_assert_cmpstr(again->type, ==, definition->type);
    g_assert_cmpint(again->autostart, ==, definition->autostart);
    g_assert_cmpuint(again->attrs->len, ==, definition->attrs->len);
    for (guint i = 0; i < again->attrs->len; i++) {
        const FerryDefinitionAttr *one = g_ptr_array_index(again->attrs, i);
        const FerryDefinitionAttr *other = g_ptr_array_index(definition->attrs, i);

        g_assert_cmpstr(one->name, ==, other->name);
        g_assert_cmpstr(one->value, ==, other->value);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(FerryDefinition) definition = NULL;
    g_autoptr(GError) error = NULL;

    if (ferry_definition_parse(PARENT, UUID, text, &definition, &error))
        check_round_trip(definition);
    else
        g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    return 0;
}
