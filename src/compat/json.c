#include "compat/json.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

FerryFault *
ferry_fault_new(const char *key, const char *format, ...)
{
    FerryFault *fault = g_new0(FerryFault, 1);
    va_list args;

    va_start(args, format);
    fault->reason = g_strdup_vprintf(format, args);
    va_end(args);
    fault->key = g_strdup(key);
    for (char *at = fault->key; *at != '\0'; at++) {
        if (!g_ascii_isprint(*at))
            *at = '?';
    }
    return fault;
}

void
ferry_fault_free(FerryFault *fault)
{
    if (fault == NULL)
        return;
    g_free(fault->key);
    g_free(fault->reason);
    g_free(fault);
}

/* A walk over the tokens of JSON text, valid or not, that knows where it is. */
typedef struct {
    char *text;
    size_t size;
    size_t at;
    unsigned depth;
    unsigned max_depth;
    unsigned objects; /* bit d is set when the container at depth d is an object */
    bool expects_key; /* the next string names a member */
    const char *key;  /* the top-level key we are in, inside @text; or NULL */
    size_t key_size;
    const char *member; /* the member of "attributes" we are in; or NULL */
    size_t member_size;
} Scan;

static void
scan_open(Scan *scan)
{
    bool is_object = scan->text[scan->at++] == '{';

    scan->depth++;
    if (scan->depth <= FERRY_JSON_DEPTH_MAX)
        scan->objects =
            (scan->objects & ~(1u << scan->depth)) | ((unsigned)is_object << scan->depth);
    scan->expects_key = is_object;
}

static bool
scan_is_in_object(const Scan *scan)
{
    return scan->depth <= FERRY_JSON_DEPTH_MAX && (scan->objects >> scan->depth & 1) != 0;
}

static void
scan_close(Scan *scan)
{
    scan->at++;
    scan->expects_key = false;
    if (scan->depth > 0)
        scan->depth--;
}

static void
scan_note_key(Scan *scan, const char *start, size_t size)
{
    if (scan->depth == 1) {
        scan->key = start;
        scan->key_size = size;
        scan->member = NULL;
    }
    if (scan->depth == 2 && scan->key_size == strlen("attributes") &&
        strncmp(scan->key, "attributes", scan->key_size) == 0) {
        scan->member = start;
        scan->member_size = size;
    }
}

static void
scan_string(Scan *scan)
{
    size_t start = ++scan->at;

    while (scan->at < scan->size && scan->text[scan->at] != '"')
        scan->at += scan->text[scan->at] == '\\' ? 2 : 1;
    if (scan->expects_key)
        scan_note_key(scan, scan->text + start, MIN(scan->at, scan->size) - start);
    scan->expects_key = false;
    scan->at++;
}

static size_t
count_digits(const char *text, size_t size)
{
    size_t n = 0;

    while (n < size && g_ascii_isdigit(text[n]))
        n++;
    return n;
}

/* Whether @text is exactly one JSON number with a fraction or an exponent. */
static bool
is_real(const char *text, size_t size)
{
    size_t at = text[0] == '-' ? 1 : 0;
    size_t whole = count_digits(text + at, size - at);
    size_t digits = 0;

    if (whole == 0 || (text[at] == '0' && whole > 1))
        return false;
    at += whole;
    if (at < size && text[at] == '.') {
        digits = count_digits(text + at + 1, size - at - 1);
        if (digits == 0)
            return false;
        at += digits + 1;
    }
    if (at < size && (text[at] == 'e' || text[at] == 'E')) {
        at++;
        at += at < size && (text[at] == '+' || text[at] == '-') ? 1 : 0;
        digits = count_digits(text + at, size - at);
        if (digits == 0)
            return false;
        at += digits;
    }
    return at == size;
}

/*
 * jansson gives up on a number beyond 64 bits or beyond a double, without saying where.  In place,
 * and of the same length: an integer keeps its first 18 digits, still far beyond our limit; a real
 * becomes 0.5, or 0e0 where there is no room for less.  Blanks may follow a number.
 */
static void
scan_number(Scan *scan)
{
    char *token = scan->text + scan->at;
    size_t size = 0;
    size_t sign = token[0] == '-' ? 1 : 0;

    while (scan->at + size < scan->size && strchr("+-.eE0123456789", token[size]) != NULL &&
           token[size] != '\0')
        size++;
    scan->at += size;
    if (sign + count_digits(token + sign, size - sign) == size) {
        if (size > sign + 18 && token[sign] != '0')
            memset(token + sign + 18, ' ', size - sign - 18);
        return;
    }
    if (size >= 3 && is_real(token, size)) {
        memset(token, ' ', size);
        memcpy(token, "0.5", 3);
    }
}

static void
scan_token(Scan *scan)
{
    char byte = scan->text[scan->at];

    if (byte == '{' || byte == '[')
        scan_open(scan);
    else if (byte == '}' || byte == ']')
        scan_close(scan);
    else if (byte == '"')
        scan_string(scan);
    else if (byte == '-' || g_ascii_isdigit(byte))
        scan_number(scan);
    else {
        if (byte == ',')
            scan->expects_key = scan_is_in_object(scan);
        scan->at++;
    }
}

/* Walks to byte @end, or to where the text becomes too deep. */
static void
scan_until(Scan *scan, size_t end)
{
    while (scan->at < end && scan->depth <= scan->max_depth)
        scan_token(scan);
}

static FerryFault *
fault_at(const Scan *scan, const char *reason)
{
    g_autofree char *key = NULL;

    if (scan->member != NULL)
        key = g_strndup(scan->member, scan->member_size);
    else if (scan->key != NULL)
        key = g_strndup(scan->key, scan->key_size);
    return ferry_fault_new(key != NULL && key[0] != '\0' ? key : "format", "%s", reason);
}

/* jansson's own text may quote a control byte of the input. */
static char *
describe(const json_error_t *error)
{
    char *text = g_strdup_printf("it is not JSON (line %d, column %d: %s)", error->line,
                                 error->column, error->text);

    for (char *at = text; *at != '\0'; at++) {
        if (!g_ascii_isprint(*at))
            *at = '?';
    }
    return text;
}

static json_t *
parse_to_depth(const char *text, size_t size, unsigned max_depth, FerryFault **fault)
{
    g_autofree char *copy = g_malloc(size + 1);
    g_autofree char *reason = NULL;
    g_autoptr(json_t) root = NULL;
    json_error_t error;
    Scan scan;

    memcpy(copy, text, size);
    copy[size] = '\0';
    scan = (Scan){ .text = copy, .size = size, .max_depth = max_depth };
    scan_until(&scan, size);
    if (scan.depth > max_depth) {
        *fault = fault_at(&scan, "it is nested deeper than 16 levels");
        return NULL;
    }
    root = json_loadb(copy, size, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        scan = (Scan){ .text = copy, .size = size, .max_depth = max_depth };
        scan_until(&scan, MIN(size, (size_t)MAX(error.position, 0)));
        reason = describe(&error);
        *fault = fault_at(&scan, reason);
        return NULL;
    }
    if (!json_is_object(root)) {
        *fault = ferry_fault_new("format", "it is JSON but not an object");
        return NULL;
    }
    return g_steal_pointer(&root);
}

json_t *
ferry_json_read(const char *text, size_t size, size_t max_bytes, FerryFault **fault)
{
    if (size > max_bytes) {
        *fault = ferry_fault_new("format", "it has %zu bytes, the limit is %zu", size, max_bytes);
        return NULL;
    }
    return parse_to_depth(text, size, FERRY_JSON_DEPTH_MAX, fault);
}

json_t *
ferry_json_read_large(const char *text, size_t size, FerryFault **fault)
{
    return parse_to_depth(text, size, UINT_MAX, fault);
}

char *
ferry_json_canonical(const json_t *json)
{
    char *dumped = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    char *copy = g_strdup(dumped);

    free(dumped);
    return copy;
}
