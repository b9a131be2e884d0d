#pragma once

#include <stdio.h>

#include <glib.h>
#include <jansson.h>

/** How a value looks in a table; in JSON it stays what it is. */
typedef enum {
    FERRY_CELL_TEXT,  /* text or number as it is; true and false as yes and no */
    FERRY_CELL_BYTES, /* 268435456: 256.0 MiB */
    FERRY_CELL_RATE,  /* 104857600: 100.0 MiB/s */
    FERRY_CELL_TIME,  /* milliseconds: 2.4 s */
    FERRY_CELL_LIST,  /* an array of texts: "a, b" */
} FerryCell;

/** One column of a table. */
typedef struct {
    const char *key;     /* of the row's JSON object, "guest.name" for one within; NULL ends */
    const char *heading; /* "MEMORY" */
    FerryCell cell;
} FerryColumn;

/**
 * Rows as a table for people: a heading, columns as wide as their longest cell, "-" for what a
 * row has not got.  Control characters become "?": names may come from another host, and a
 * terminal obeys them.
 *
 * @rows: a JSON array of objects
 *
 * Returns: (transfer full): text that ends with a newline
 */
char *ferry_table_format(const FerryColumn *columns, const json_t *rows);

/**
 * One object as "heading: value" lines, in the order of @columns; what it has not got is left out.
 *
 * Returns: (transfer full)
 */
char *ferry_table_format_one(const FerryColumn *columns, const json_t *object);

/** Returns: (transfer full): @text with each control character as "?" */
char *ferry_table_printable(const char *text);

/** Prints a JSON document on @stream, indented, keys in the order they were made. */
void ferry_table_print_json(FILE *stream, const json_t *document);

/** What --json decides. */
typedef enum { FERRY_PRINT_TABLE, FERRY_PRINT_JSON } FerryPrint;

/**
 * One row model, two printers, on stdout: the rows under @key of @document as a table, or all of
 * @document as JSON.
 */
void ferry_table_print(FerryPrint print,
                       const FerryColumn *columns,
                       const char *key,
                       const json_t *document);
