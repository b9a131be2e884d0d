#include "xml/address.h"

#include <string.h>

#include "xml/document.h"

typedef struct {
    const char *name;
    unsigned limit;
    bool required;
} Part;

static const Part parts[] = {
    { "domain", 0xffff, false },
    { "bus", 0xff, true },
    { "slot", 0x1f, true },
    { "function", 7, true },
};

static bool
parse_part(const xmlNode *node, const Part *part, unsigned *ret, GError **error)
{
    g_autofree char *text = ferry_document_attribute(node, part->name);
    const bool is_hex =
        text != NULL && text[0] == '0' && (text[1] == 'x' || text[1] == 'X') && text[2] != '\0';
    guint64 number = 0;

    if (text == NULL && !part->required) {
        *ret = 0;
        return true;
    }
    if (text == NULL)
        return ferry_document_refuse(error, node, "the attribute \"%s\" is missing", part->name);
    if (!is_hex && text[0] == '0' && text[1] != '\0')
        return ferry_document_refuse(error, node,
                                     "%s=\"%s\" could be octal or decimal: write 0x… or no 0 first",
                                     part->name, text);
    if (!g_ascii_string_to_unsigned(is_hex ? text + 2 : text, is_hex ? 16 : 10, 0, part->limit,
                                    &number, NULL))
        return ferry_document_refuse(error, node,
                                     "%s=\"%s\" is not a number up to 0x%x, in decimal or as 0x…",
                                     part->name, text, part->limit);
    *ret = (unsigned)number;
    return true;
}

bool
ferry_address_parse(const xmlNode *node, char **ret, GError **error)
{
    unsigned values[G_N_ELEMENTS(parts)] = { 0 };

    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
        if (!parse_part(node, &parts[i], &values[i], error))
            return false;
    *ret = g_strdup_printf("%04x:%02x:%02x.%x", values[0], values[1], values[2], values[3]);
    return true;
}

void
ferry_address_append(GString *text, const char *address)
{
    g_auto(GStrv) fields = g_strsplit_set(address, ":.", -1);

    g_assert(g_strv_length(fields) == G_N_ELEMENTS(parts));
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
        g_string_append_printf(text, " %s='0x%s'", parts[i].name, fields[i]);
}
