#include "api/route.h"

#include <string.h>

#include <microhttpd.h>

#include "api/problem.h"

void
ferry_match_clear(FerryMatch *self)
{
    g_clear_pointer(&self->segments, g_strfreev);
    g_clear_pointer(&self->problem, json_decref);
    g_clear_pointer(&self->allow, g_free);
}

/* The parts that stood for {}, decoded; NULL if the path is another one. */
static char **
match_path(const char *pattern, char **parts)
{
    g_auto(GStrv) wanted = g_strsplit(pattern, "/", -1);
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(g_free);

    if (g_strv_length(wanted) != g_strv_length(parts))
        return NULL;
    for (size_t i = 0; wanted[i] != NULL; i++) {
        g_autofree char *part = NULL;

        if (strcmp(wanted[i], "{}") != 0) {
            if (strcmp(wanted[i], parts[i]) != 0)
                return NULL;
            continue;
        }
        part = g_uri_unescape_string(parts[i], NULL); /* NULL for a bad escape and for %00 */
        if (part == NULL || part[0] == '\0' || !g_utf8_validate(part, -1, NULL))
            return NULL;
        g_ptr_array_add(found, g_steal_pointer(&part));
    }
    g_ptr_array_add(found, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&found), FALSE);
}

static json_t *problem_of(unsigned status, const char *type, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

static json_t *
problem_of(unsigned status, const char *type, const char *format, ...)
{
    g_autofree char *detail = NULL;
    va_list args;

    va_start(args, format);
    detail = g_strdup_vprintf(format, args);
    va_end(args);
    return ferry_problem_new(status, type, detail);
}

static void
refuse_role(FerryMatch *match, const FerryPeerName *caller)
{
    match->problem =
        problem_of(MHD_HTTP_FORBIDDEN, "denied",
                   "%s %s needs the role %s, and the certificate of %s has the role %s",
                   match->route->method, match->route->path, ferry_role_name(match->route->needed),
                   caller->name, ferry_role_name(caller->role));
    match->route = NULL;
}

/* Looks through one table; the methods of rows with this path and another method go to @allow. */
static bool
find_in(const FerryRouteTable *table,
        const char *method,
        char **parts,
        GString *allow,
        FerryMatch *match)
{
    for (const FerryRoute *row = table->routes; row->method != NULL; row++) {
        g_auto(GStrv) segments = match_path(row->path, parts);

        if (segments == NULL)
            continue;
        if (strcmp(row->method, method) != 0) {
            g_string_append_printf(allow, "%s%s", allow->len > 0 ? ", " : "", row->method);
            continue;
        }
        match->route = row;
        match->data = table->data;
        match->segments = g_steal_pointer(&segments);
        return true;
    }
    return false;
}

void
ferry_route_find(const GArray *tables,
                 const char *method,
                 const char *path,
                 const FerryPeerName *caller,
                 FerryMatch *ret)
{
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);
    g_autoptr(GString) allow = g_string_new(NULL);

    *ret = (FerryMatch){ 0 };
    for (unsigned i = 0; i < tables->len; i++) {
        if (!find_in(&g_array_index(tables, FerryRouteTable, i), method, parts, allow, ret))
            continue;
        if (!ferry_role_allows(caller->role, ret->route->needed))
            refuse_role(ret, caller);
        return;
    }
    if (allow->len == 0) {
        ret->problem = problem_of(MHD_HTTP_NOT_FOUND, "not-found", "there is no resource %s", path);
        return;
    }
    ret->problem = problem_of(MHD_HTTP_METHOD_NOT_ALLOWED, "invalid",
                              "%s has no method %s: there is %s", path, method, allow->str);
    ret->allow = g_string_free(g_steal_pointer(&allow), FALSE);
}
