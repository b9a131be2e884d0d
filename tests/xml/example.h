/* Documents that tests read: from files of tests/xml/examples, and of other folders. */
#pragma once

#include <glib.h>

/* Returns: (transfer full): the text of the file */
static inline char *
example_read(const char *folder, const char *file)
{
    g_autofree char *path = g_build_filename(folder, file, NULL);
    char *text = NULL;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    return text;
}

/* Returns: (transfer full): the text of examples/NAME.xml */
static inline char *
example(const char *name)
{
    g_autofree char *file = g_strconcat(name, ".xml", NULL);

    return example_read(FERRY_XML_EXAMPLES, file);
}

typedef struct {
    const char *name;
    const char *xml;     /* NULL: the file refused/NAME.xml */
    const char *message; /* the whole of it */
} RefuseRow;

/* Returns: (transfer full): the document that is refused */
static inline char *
example_refused(const RefuseRow *row)
{
    g_autofree char *file = g_strconcat("refused/", row->name, NULL);

    return row->xml != NULL ? g_strdup(row->xml) : example(file);
}
