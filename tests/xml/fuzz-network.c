/* libFuzzer target: any bytes as a network.  Its companion network can be read, too, and lists what
 * the network's own interfaces were. */
#include <stdint.h>

#include "xml/network.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_companion(const FerryNetwork *network)
{
    g_autofree char *xml = ferry_network_format_companion(network->name, network->interfaces);
    g_autoptr(FerryNetwork) companion = NULL;

    g_assert_true(ferry_network_parse(xml, &companion, NULL));
    g_assert_cmpstr(companion->name, ==, network->name);
    g_assert_cmpuint(companion->interfaces->len, ==, network->interfaces->len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(FerryNetwork) network = NULL;

    if (ferry_network_parse(text, &network, NULL))
        check_companion(network);
    return 0;
}
