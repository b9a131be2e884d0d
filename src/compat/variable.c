#include "compat/variable.h"

#include <stdlib.h>
#include <string.h>

static const char *const type_names[] = {
    [FERRY_VARIABLE_INT] = "int",
    [FERRY_VARIABLE_STRING] = "string",
    [FERRY_VARIABLE_VERSION] = "version",
    [FERRY_VARIABLE_SET] = "set",
};
G_STATIC_ASSERT(G_N_ELEMENTS(type_names) == FERRY_N_VARIABLE_TYPES);

static void
item_clear(gpointer data)
{
    FerryVariableItem *item = data;

    ferry_value_clear(&item->low);
    ferry_value_clear(&item->high);
}

FerryVariable *
ferry_variable_new(const char *name, FerryVariableType type)
{
    FerryVariable *self = g_new0(FerryVariable, 1);

    self->name = g_strdup(name);
    self->type = type;
    self->items = g_array_new(FALSE, TRUE, sizeof(FerryVariableItem));
    g_array_set_clear_func(self->items, item_clear);
    return self;
}

void
ferry_variable_free(FerryVariable *self)
{
    if (self == NULL)
        return;
    g_free(self->name);
    g_array_unref(self->items);
    if (self->values != NULL)
        g_array_unref(self->values);
    g_strfreev(self->texts);
    g_free(self->order);
    g_free(self);
}

const char *
ferry_variable_type_name(FerryVariableType type)
{
    g_assert(type < FERRY_N_VARIABLE_TYPES);
    return type_names[type];
}

FerryVariableType
ferry_variable_type_find(const char *name)
{
    for (unsigned type = 0; type < FERRY_N_VARIABLE_TYPES; type++) {
        if (strcmp(name, type_names[type]) == 0)
            return (FerryVariableType)type;
    }
    return FERRY_N_VARIABLE_TYPES;
}

bool
ferry_variable_name_is_valid(const char *name)
{
    size_t size = strlen(name);

    return size > 0 && size <= FERRY_VARIABLE_NAME_MAX && g_ascii_islower(name[0]) &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == size;
}

static FerryItemStatus
parse_int(const char *text, size_t size, FerryValue *ret)
{
    int64_t value = 0;
    FerryFraction quantity;

    if (!ferry_integer_has_form(text, size))
        return FERRY_ITEM_BAD;
    if (!ferry_integer_parse(text, size, &value) || !ferry_fraction_make(value, 1, &quantity))
        return FERRY_ITEM_OUT_OF_RANGE;
    *ret = ferry_value_of_quantity(quantity);
    return FERRY_ITEM_OK;
}

/* Two or three whole numbers with dots between, however large. */
static bool
has_form_of_version(const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, ".", -1);
    size_t n = g_strv_length(parts);

    for (size_t i = 0; i < n; i++) {
        if (parts[i][0] == '-' || !ferry_integer_has_form(parts[i], strlen(parts[i])))
            return false;
    }
    return n == 2 || n == 3;
}

static FerryItemStatus
parse_version(const char *text, size_t size, FerryValue *ret)
{
    g_autofree char *copy = g_strndup(text, size);
    FerryVersion version;

    if (!has_form_of_version(copy))
        return FERRY_ITEM_BAD;
    if (!ferry_version_parse(copy, &version, NULL))
        return FERRY_ITEM_OUT_OF_RANGE;
    *ret = ferry_value_of_version(version);
    return FERRY_ITEM_OK;
}

static bool
is_ascending(const FerryVariableItem *item)
{
    const FerryVersion *low = &item->low.version;
    const FerryVersion *high = &item->high.version;

    if (item->low.kind == FERRY_KIND_QUANTITY)
        return item->low.quantity.num <= item->high.quantity.num;
    return !low->has_bugfix && !high->has_bugfix && low->major == high->major &&
           low->minor <= high->minor;
}

static FerryItemStatus
parse_item(FerryVariableType type, const char *text, FerryVariableItem *item)
{
    FerryItemStatus (*parse)(const char *, size_t, FerryValue *) =
        type == FERRY_VARIABLE_INT ? parse_int : parse_version;
    const char *dots = strstr(text, "..");
    size_t size = dots != NULL ? (size_t)(dots - text) : strlen(text);
    FerryItemStatus status = parse(text, size, &item->low);
    FerryItemStatus high_status = FERRY_ITEM_OK;

    item->high = item->low;
    if (dots == NULL || status == FERRY_ITEM_BAD)
        return status;
    high_status = parse(dots + 2, strlen(dots + 2), &item->high);
    if (high_status != FERRY_ITEM_OK)
        return high_status;
    if (status != FERRY_ITEM_OK)
        return status;
    item->is_range = true;
    return is_ascending(item) ? FERRY_ITEM_OK : FERRY_ITEM_BAD_RANGE;
}

static bool
versions_overlap(const FerryVariableItem *a, const FerryVariableItem *b)
{
    /* "1.0" and "1.0.0" are different items: one means any bugfix, one only that. */
    if (a->low.version.has_bugfix != b->low.version.has_bugfix ||
        a->low.version.major != b->low.version.major)
        return false;
    if (a->low.version.has_bugfix)
        return a->low.version.minor == b->low.version.minor &&
               a->low.version.bugfix == b->low.version.bugfix;
    return a->low.version.minor <= b->high.version.minor &&
           b->low.version.minor <= a->high.version.minor;
}

static bool
overlap(const FerryVariableItem *a, const FerryVariableItem *b)
{
    switch (a->low.kind) {
    case FERRY_KIND_QUANTITY:
        return a->low.quantity.num <= b->high.quantity.num &&
               b->low.quantity.num <= a->high.quantity.num;
    case FERRY_KIND_VERSION:
        return versions_overlap(a, b);
    default:
        return ferry_value_equal(&a->low, &b->low);
    }
}

static uint64_t
item_count(const FerryVariableItem *item)
{
    if (item->low.kind == FERRY_KIND_QUANTITY)
        return (uint64_t)((int64_t)item->high.quantity.num - item->low.quantity.num + 1);
    if (item->low.kind == FERRY_KIND_VERSION && item->is_range)
        return (uint64_t)item->high.version.minor - item->low.version.minor + 1;
    return 1;
}

static FerryItemStatus
add_item(FerryVariable *self, FerryVariableItem *item)
{
    for (guint i = 0; i < self->items->len; i++) {
        if (overlap(&g_array_index(self->items, FerryVariableItem, i), item))
            return FERRY_ITEM_DUPLICATE;
    }
    self->count += item_count(item);
    g_array_append_val(self->items, *item);
    return FERRY_ITEM_OK;
}

FerryItemStatus
ferry_variable_add_text(FerryVariable *self, const char *text)
{
    FerryVariableItem item = { .is_range = false };
    FerryItemStatus status = FERRY_ITEM_OK;
    FerryValue value = { .kind = FERRY_KIND_NONE };

    if (self->type == FERRY_VARIABLE_INT || self->type == FERRY_VARIABLE_VERSION) {
        status = parse_item(self->type, text, &item);
        return status == FERRY_ITEM_OK ? add_item(self, &item) : status;
    }
    value = ferry_value_of_string(text);
    status = text[0] == '\0' ? FERRY_ITEM_BAD : ferry_variable_add_value(self, &value);
    ferry_value_clear(&value);
    return status;
}

FerryItemStatus
ferry_variable_add_value(FerryVariable *self, const FerryValue *value)
{
    FerryVariableItem item = { .low = ferry_value_copy(value), .is_range = false };
    FerryItemStatus status = add_item(self, &item);

    if (status != FERRY_ITEM_OK)
        item_clear(&item);
    return status;
}

static void
clear_value(gpointer data)
{
    ferry_value_clear(data);
}

static void
expand_item(FerryVariable *self, const FerryVariableItem *item)
{
    uint64_t n = item_count(item);

    for (uint64_t i = 0; i < n; i++) {
        FerryValue value = ferry_value_copy(&item->low);
        if (value.kind == FERRY_KIND_QUANTITY)
            value.quantity.num += (int32_t)i;
        if (value.kind == FERRY_KIND_VERSION)
            value.version.minor += (uint32_t)i;
        g_array_append_val(self->values, value);
    }
}

static int
compare_texts(gconstpointer a, gconstpointer b, gpointer texts)
{
    return strcmp(((char **)texts)[*(const uint16_t *)a], ((char **)texts)[*(const uint16_t *)b]);
}

void
ferry_variable_expand(FerryVariable *self)
{
    size_t n = (size_t)self->count;

    g_assert(n <= FERRY_EXPANSIONS_MAX && self->values == NULL);
    self->values = g_array_sized_new(FALSE, TRUE, sizeof(FerryValue), (guint)n);
    g_array_set_clear_func(self->values, clear_value);
    for (guint i = 0; i < self->items->len; i++)
        expand_item(self, &g_array_index(self->items, FerryVariableItem, i));

    self->texts = g_new0(char *, n + 1);
    self->order = g_new0(uint16_t, n + 1);
    for (size_t i = 0; i < n; i++) {
        self->texts[i] = ferry_value_format(ferry_variable_value(self, i));
        self->order[i] = (uint16_t)i;
    }
    g_qsort_with_data(self->order, (gint)n, sizeof(uint16_t), compare_texts, self->texts);
}

size_t
ferry_variable_find(const FerryVariable *self, const char *text, size_t size)
{
    size_t low = 0;
    size_t high = (size_t)self->count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        const char *candidate = self->texts[self->order[middle]];
        int order = strncmp(candidate, text, size);

        if (order == 0 && candidate[size] == '\0')
            return self->order[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return SIZE_MAX;
}

const FerryValue *
ferry_variable_value(const FerryVariable *self, size_t i)
{
    return &g_array_index(self->values, FerryValue, i);
}
