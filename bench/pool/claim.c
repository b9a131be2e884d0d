/*
 * What one claim and its release cost through the API, over the Unix socket, on a host of 2 PFs
 * with 7 VFs each, half of them claimed.  Two things bound it from below, and are taken in the same
 * rounds: three commits that SQLite syncs to the same disk (claimed, being released, gone), and two
 * requests over the same connection that need no disk.  Prints JSON: medians, and the ratio to that
 * bound.
 */
#include <stdio.h>
#include <stdlib.h>

#include "store/host.h"
#include "test-devices-fixture.h"

#define ROUNDS  300
#define COMMITS 3

/* clang-format off */
enum { CLAIM, COMMIT, REQUEST, N_MEASURES };
/* clang-format on */

static TestHost *
host_new(void)
{
    TestHost *host = test_host_new();

    tree_pf(host->tree, "0000:03:00.0", "eth3", "igb", 7, 7);
    tree_pf(host->tree, "0000:03:00.1", "eth4", "igb", 7, 7);
    test_host_look(host);
    json_decref(test_host_call(host, "POST", "/v1/pools",
                               "{\"name\": \"net-x\", \"pfs\": [\"eth3\", \"eth4\"]}", 201));
    for (unsigned i = 0; i < 7; i++) {
        g_autofree char *body = g_strdup_printf("{\"pool\": \"net-x\", \"alias\": \"a%u\"}", i);

        json_decref(test_host_call(host, "POST", "/v1/claims", body, 201));
    }
    return host;
}

static void
claim_and_release(TestHost *host)
{
    json_t *claim = test_host_call(host, "POST", "/v1/claims",
                                   "{\"pool\": \"net-x\", \"alias\": \"bench\"}", 201);
    g_autofree char *path = g_strdup_printf("/v1/claims/%s", test_text(claim, "generation"));

    json_decref(claim);
    (void)test_host_call(host, "DELETE", path, NULL, 204);
}

static void
commit(TestHost *host, unsigned round)
{
    for (unsigned i = 0; i < COMMITS; i++) {
        g_autofree char *name = g_strdup_printf("host-%u-%u", round, i);
        const FerryHostRow row = { name, (char *)"192.0.2.1:1", 1 };

        g_assert_true(ferry_store_host_add(host->store, &row, NULL));
    }
}

static void
request(TestHost *host)
{
    for (unsigned i = 0; i < 2; i++)
        test_host_error(host, "DELETE", "/v1/claims/0", NULL, FERRY_ERROR_INVALID,
                        "\"0\" is not the generation of a claim");
}

static int
compare(const void *a, const void *b)
{
    const gint64 left = *(const gint64 *)a;
    const gint64 right = *(const gint64 *)b;

    return (left > right) - (left < right);
}

static gint64
median(gint64 *times)
{
    qsort(times, ROUNDS, sizeof(times[0]), compare);
    return times[ROUNDS / 2];
}

int
main(void)
{
    static gint64 times[N_MEASURES][ROUNDS];
    g_autoptr(TestHost) host = host_new();
    gint64 medians[N_MEASURES] = { 0 };

    for (unsigned i = 0; i < ROUNDS; i++) {
        const gint64 start = g_get_monotonic_time();
        gint64 claimed = 0;
        gint64 committed = 0;

        claim_and_release(host);
        claimed = g_get_monotonic_time();
        commit(host, i);
        committed = g_get_monotonic_time();
        request(host);
        times[CLAIM][i] = claimed - start;
        times[COMMIT][i] = committed - claimed;
        times[REQUEST][i] = g_get_monotonic_time() - committed;
    }
    for (unsigned i = 0; i < N_MEASURES; i++)
        medians[i] = median(times[i]);
    printf("{\"bench\": \"claim\", \"rounds\": %d, \"claim_and_release_us\": %" G_GINT64_FORMAT
           ", \"three_commits_us\": %" G_GINT64_FORMAT ", \"two_requests_us\": %" G_GINT64_FORMAT
           ", \"ratio_to_bound\": %.2f}\n",
           ROUNDS, medians[CLAIM], medians[COMMIT], medians[REQUEST],
           (double)medians[CLAIM] / (double)(medians[COMMIT] + medians[REQUEST]));
    return 0;
}
