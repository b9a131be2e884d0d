#include "api/route.h"

#include "api/problem.h"

static bool
never(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    (void)data;
    (void)request;
    (void)response;
    (void)error;
    g_assert_not_reached();
}

static const FerryRoute first[] = {
    { "GET", "/v1/jobs", FERRY_ROLE_VIEW, never },
    { "POST", "/v1/jobs/{}/cancel", FERRY_ROLE_OPERATE, never },
    { "GET", "/v1/peer/jobs/{}/{}", FERRY_ROLE_PEER, never },
    { NULL, NULL, FERRY_ROLE_NONE, NULL },
};

static const FerryRoute second[] = {
    { "POST", "/v1/jobs", FERRY_ROLE_OPERATE, never },
    { NULL, NULL, FERRY_ROLE_NONE, NULL },
};

typedef struct {
    const char *name;
    FerryRole role;
    const char *method, *path;
    const FerryRoute *route; /* NULL: a problem */
    const char *segments;    /* joined by "|" */
    unsigned status;
    const char *allow;
} Row;

static const Row rows[] = {
    { "plain", FERRY_ROLE_VIEW, "GET", "/v1/jobs", &first[0], "", 0, NULL },
    { "second-table", FERRY_ROLE_OPERATE, "POST", "/v1/jobs", &second[0], "", 0, NULL },
    { "segment", FERRY_ROLE_OPERATE, "POST", "/v1/jobs/7/cancel", &first[1], "7", 0, NULL },
    { "two-segments", FERRY_ROLE_PEER, "GET", "/v1/peer/jobs/7/go", &first[2], "7|go", 0, NULL },
    { "decoded", FERRY_ROLE_PEER, "GET", "/v1/peer/jobs/a%2Fb/%C3%A4", &first[2], "a/b|\u00e4", 0,
      NULL },
    { "segment-is-not-empty", FERRY_ROLE_OPERATE, "POST", "/v1/jobs//cancel", NULL, NULL, 404,
      NULL },
    { "too-short", FERRY_ROLE_OPERATE, "POST", "/v1/jobs/7", NULL, NULL, 404, NULL },
    { "too-long", FERRY_ROLE_VIEW, "GET", "/v1/jobs/", NULL, NULL, 404, NULL },
    { "case", FERRY_ROLE_VIEW, "GET", "/V1/jobs", NULL, NULL, 404, NULL },
    { "not-utf-8", FERRY_ROLE_OPERATE, "POST", "/v1/jobs/%ff/cancel", NULL, NULL, 404, NULL },
    { "no-path", FERRY_ROLE_VIEW, "OPTIONS", "*", NULL, NULL, 404, NULL },
    { "empty", FERRY_ROLE_VIEW, "GET", "", NULL, NULL, 404, NULL },
    { "method", FERRY_ROLE_VIEW, "DELETE", "/v1/jobs", NULL, NULL, 405, "GET, POST" },
    { "method-in-lower-case", FERRY_ROLE_VIEW, "get", "/v1/jobs", NULL, NULL, 405, "GET, POST" },
    { "role", FERRY_ROLE_VIEW, "POST", "/v1/jobs", NULL, NULL, 403, NULL },
    { "role-of-a-peer", FERRY_ROLE_PEER, "GET", "/v1/jobs", NULL, NULL, 403, NULL },
};

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    g_autoptr(GArray) tables = g_array_new(FALSE, FALSE, sizeof(FerryRouteTable));
    FerryRouteTable both[] = { { first, (void *)1 }, { second, (void *)2 } };
    FerryPeerName caller = { (char *)"alpha", row->role };
    g_auto(FerryMatch) match = { 0 };

    g_array_append_vals(tables, both, G_N_ELEMENTS(both));
    ferry_route_find(tables, row->method, row->path, &caller, &match);
    g_assert_true(match.route == row->route);
    g_assert_cmpstr(match.allow, ==, row->allow);
    if (row->route != NULL) {
        g_autofree char *segments = g_strjoinv("|", match.segments);

        g_assert_cmpstr(segments, ==, row->segments);
        g_assert_true(match.data == (row->route == &second[0] ? (void *)2 : (void *)1));
        g_assert_null(match.problem);
        return;
    }
    g_assert_cmpuint(ferry_problem_status(match.problem), ==, row->status);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/route/", rows[i].name, NULL);
        g_test_add_data_func(path, &rows[i], test_row);
    }
    return g_test_run();
}
