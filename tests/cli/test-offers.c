#include "cli/offers.h"

#include <string.h>

#include <glib.h>

typedef struct {
    const char *name;
    const char *devices; /* JSON, NULL: absent */
    const char *text;
} Row;

#define FINDING                                                                                    \
    "{\"key\": \"mdev_type\", \"severity\": \"no\", \"code\": \"differs\", \"source\": "           \
    "\"mtty-2\", \"target\": \"mtty-1\", \"reason\": \"r\"}"

/* clang-format off */
static const Row rows[] = {
    { "absent", NULL, "" },
    { "none", "[]", "" },
    { "not-judged", "[{\"alias\": \"n\", \"way\": \"hybrid\", \"verdict\": \"yes\", \"slot\": {\"name\": \"eth3\", \"pool\": \"fast\"}, \"candidates\": [{\"name\": \"eth3\", \"available\": 7}]}]",
      "\nDEVICE  WAY     VERDICT  SLOT  POOL  BECAUSE\nn       hybrid  yes      eth3  fast  -\n" },
    { "both-sides", "[{\"alias\": \"a\", \"way\": \"state\", \"verdict\": \"no\", \"candidates\": [{\"name\": \"mtty mtty-1\", \"findings\": [" FINDING "]}]}]",
      "\nDEVICE  WAY    VERDICT  SLOT  POOL  BECAUSE\na       state  no       -     -     -\n"
      "\nDEVICE  CANDIDATE    KEY        SOURCE  TARGET  VERDICT\na       mtty mtty-1  mdev_type  mtty-2  mtty-1  no\n" },
};
/* clang-format on */

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    json_t *devices = row->devices == NULL ? NULL : json_loads(row->devices, 0, NULL);
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    ferry_offers_print(stream, devices);
    g_assert_cmpint(fclose(stream), ==, 0);
    g_assert_cmpstr(text, ==, row->text);
    free(text);
    json_decref(devices);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/offers/", rows[i].name, NULL);
        g_test_add_data_func(path, &rows[i], test_row);
    }
    return g_test_run();
}
