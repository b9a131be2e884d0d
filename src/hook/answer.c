#include "hook/answer.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Steps over a JSON string.  @at: after its first quote.  Returns: at its last one, NULL for none
 */
static const char *
find_string_end(const char *at)
{
    for (; *at != '\0' && *at != '"'; at++)
        if (*at == '\\' && *++at == '\0')
            return NULL;
    return *at == '"' ? at : NULL;
}

/* Returns: after the quote that begins the value of that member of the outermost object, or NULL */
static const char *
find_member(const char *json, const char *key)
{
    const size_t n = strlen(key);
    unsigned depth = 0;

    for (const char *at = json; *at != '\0'; at++) {
        const char *begin = at + 1;

        if (*at == '{' || *at == '[')
            depth++;
        else if ((*at == '}' || *at == ']') && depth-- <= 1)
            return NULL;
        if (*at != '"')
            continue;
        at = find_string_end(begin);
        if (at == NULL)
            return NULL;
        if (depth != 1 || (size_t)(at - begin) != n || memcmp(begin, key, n) != 0)
            continue;
        begin = at + 1 + strspn(at + 1, " \t\r\n");
        if (*begin != ':')
            continue; /* a value that reads like our key */
        begin += 1 + strspn(begin + 1, " \t\r\n");
        return *begin == '"' ? begin + 1 : NULL;
    }
    return NULL;
}

/* One escape, after its backslash.  What is not plain text is shown as "?", for libvirt puts the
 * message into its log and onto terminals. */
static char
read_escape(const char **at)
{
    const char c = **at;

    if (c != 'u')
        return c == 'n' || c == 't' || c == 'r' ? ' ' : c;
    for (int i = 0; i < 4 && isxdigit((unsigned char)(*at)[1]); i++)
        (*at)++;
    return '?';
}

static void
copy_text(const char *at, char *ret, size_t n_bytes)
{
    size_t n = 0;

    for (; *at != '"' && *at != '\0' && n + 1 < n_bytes; at++) {
        char c = *at;

        if (c == '\\') {
            at++;
            if (*at == '\0')
                break;
            c = read_escape(&at);
        }
        ret[n++] = iscntrl((unsigned char)c) ? '?' : c; /* the "C" locale: UTF-8 stays */
    }
    ret[n] = '\0';
}

HookAnswer
hook_answer_read(const char *text, char *ret_why, size_t n_bytes)
{
    const char *body = strstr(text, "\r\n\r\n");
    const char *why = NULL;
    unsigned status = 0;

    ret_why[0] = '\0';
    if (body == NULL || strncmp(text, "HTTP/1.", strlen("HTTP/1.")) != 0)
        return HOOK_ANSWER_GARBAGE;
    status = (unsigned)strtoul(text + strcspn(text, " "), NULL, 10);
    if (status < 200 || status > 599)
        return HOOK_ANSWER_GARBAGE;
    if (status < 300)
        return HOOK_ANSWER_YES;
    why = find_member(body, "detail");
    if (why != NULL)
        copy_text(why, ret_why, n_bytes);
    if (ret_why[0] == '\0')
        (void)snprintf(ret_why, n_bytes, "it answered with HTTP status %u", status);
    return HOOK_ANSWER_NO;
}
