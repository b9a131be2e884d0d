/* Definitions of pools as anybody may send them: JSON, or a network's XML when it begins so.  What
 * is taken is written and read again, and is the same. */
#include <stdint.h>
#include <stdlib.h>

#include "pool/pool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static FerryPool *
read_json(const char *text, size_t size)
{
    json_t *json = json_loadb(text, size, 0, NULL);
    FerryPool *pool = NULL;

    (void)ferry_pool_from_json(json, &pool, NULL);
    json_decref(json);
    return pool;
}

static FerryPool *
read_network(const char *text)
{
    g_autoptr(FerryNetwork) network = NULL;
    FerryPool *pool = NULL;

    if (ferry_network_parse(text, &network, NULL))
        (void)ferry_pool_from_network(network, &pool, NULL);
    return pool;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(FerryPool) pool = text[0] == '<' ? read_network(text) : read_json(text, size);
    g_autoptr(FerryPool) again = NULL;
    json_t *written = NULL;
    json_t *rewritten = NULL;

    if (pool == NULL)
        return 0;
    written = ferry_pool_to_json(pool);
    g_assert_true(ferry_pool_from_json(written, &again, NULL));
    rewritten = ferry_pool_to_json(again);
    g_assert_true(json_equal(written, rewritten));
    json_decref(written);
    json_decref(rewritten);
    return 0;
}
