/* send and receive: devices and a connection. */
#include <unistd.h>

#include "tool/address.h"
#include "tool/tool.h"

#define WAIT_FOR_SOURCE_MS (3600 * 1000)

/* The channel over a connected socket: TLS when certificates are given. */
static FerryChannel *
make_channel(int fd,
             const char *address,
             FerryTlsSide side,
             const ToolOptions *options,
             GError **error)
{
    FerryTlsFiles files = { .ca = options->tls_ca,
                            .cert = options->tls_cert,
                            .key = options->tls_key };
    g_autofree char *host = NULL;

    if (options->tls_ca == NULL)
        return ferry_channel_new_fd(fd, FERRY_CHANNEL_TWO_WAY, address, options->timeout_s * 1000);
    if (side == FERRY_TLS_CLIENT && !tool_address_host(address, &host, error)) {
        (void)close(fd);
        return NULL;
    }
    return ferry_tls_channel_new(fd, side, host, &files, address, options->timeout_s * 1000, error);
}

int
tool_send(char **arguments, const ToolOptions *options, GError **error)
{
    g_auto(ToolDevice) tool = { 0 };
    g_auto(FerryPumpReport) report = { 0 };
    g_autoptr(FerryChannel) channel = NULL;
    g_autofree char *meta = NULL;
    const char *metas[1] = { NULL };
    const ToolWait wait = { .timeout_ms = options->timeout_s * 1000,
                            .cancelled = options->pump.cancelled };
    int fd = -1;

    if (!tool_device_open(&tool, arguments[0], options, error))
        return 0;
    meta = tool_device_meta(&tool, error);
    fd = meta == NULL ? -1 : tool_address_connect(arguments[1], &wait, error);
    if (fd < 0)
        return 0;
    channel = make_channel(fd, arguments[1], FERRY_TLS_CLIENT, options, error);
    if (channel == NULL)
        return 0;
    metas[0] = meta;
    if (!ferry_pump_send(&tool.device, metas, 1, &channel, 1, &options->pump, &report, error))
        return 0;
    return tool_report(&report, options, FERRY_VERDICT_YES);
}

int
tool_receive(char **arguments, const ToolOptions *options, GError **error)
{
    g_auto(ToolDevice) tool = { 0 };
    g_auto(FerryPumpReport) report = { 0 };
    g_autoptr(FerryChannel) channel = NULL;
    ToolCheck check = { .devices = &tool, .options = options };
    const ToolWait wait = { .timeout_ms = WAIT_FOR_SOURCE_MS,
                            .cancelled = options->pump.cancelled };
    int fd = -1;

    if (!tool_device_open(&tool, arguments[0], options, error))
        return 0;
    fd = tool_address_accept(arguments[1], &wait, error);
    if (fd < 0)
        return 0;
    channel = make_channel(fd, arguments[1], FERRY_TLS_SERVER, options, error);
    if (channel == NULL)
        return 0;
    if (!ferry_pump_receive(&tool.device, 1, &channel, 1, tool_check, &check, &options->pump,
                            &report, error))
        return 0;
    return tool_report(&report, options, check.level);
}
