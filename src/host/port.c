#include "host/port.h"

#include <string.h>

#include "base/file.h"
#include "host/sysfs.h"

static char *
text_of(int netdevs, const char *name, const char *file)
{
    g_autofree char *path = g_strconcat(name, "/", file, NULL);

    return ferry_sysfs_text(netdevs, path);
}

/* Passes over @word and the digits after it; returns NULL unless both are there. */
static const char *
skip(const char *text, const char *word)
{
    const size_t n = text != NULL && g_str_has_prefix(text, word) ? strlen(word) : 0;
    const size_t digits = n > 0 ? strspn(text + n, "0123456789") : 0;

    return digits > 0 ? text + n + digits : NULL;
}

bool
ferry_port_is_representor(const char *phys_port_name)
{
    const char *rest = skip(phys_port_name, "c");
    const char *end = NULL;

    rest = skip(rest != NULL ? rest : phys_port_name, "pf");
    end = skip(rest, "vf");
    if (end == NULL)
        end = skip(rest, "sf");
    return end != NULL && *end == '\0';
}

static void
port_free(gpointer data)
{
    FerryPort *self = data;

    g_free(self->netdev);
    g_free(self->id);
    g_free(self);
}

static void
add(GPtrArray *ports, int netdevs, const char *name, bool is_only)
{
    g_autofree char *port_name = is_only ? NULL : text_of(netdevs, name, "phys_port_name");
    g_autofree char *number_path = g_strconcat(name, "/dev_port", NULL);
    FerryPort *port = NULL;
    uint64_t number = 0;

    if (port_name != NULL && ferry_port_is_representor(port_name))
        return;
    /* 0 where it is absent */
    (void)(is_only || ferry_sysfs_number(netdevs, number_path, G_MAXUINT32, &number));
    port = g_new0(FerryPort, 1);
    port->netdev = g_strdup(name);
    port->number = (unsigned)number;
    port->id = is_only ? NULL : text_of(netdevs, name, "phys_port_id");
    g_ptr_array_add(ports, port);
}

static int
compare_ports(gconstpointer a, gconstpointer b)
{
    const FerryPort *left = *(const FerryPort *const *)a;
    const FerryPort *right = *(const FerryPort *const *)b;

    if (left->number != right->number)
        return left->number < right->number ? -1 : 1;
    return strcmp(left->netdev, right->netdev);
}

GPtrArray *
ferry_port_list(int folder, const char *name)
{
    GPtrArray *ports = g_ptr_array_new_with_free_func(port_free);
    g_autofree char *path = g_strconcat(name, "/net", NULL);
    FERRY_AUTOFD int netdevs = ferry_sysfs_open(folder, path);
    g_autoptr(GPtrArray) names = netdevs >= 0 ? ferry_sysfs_list(netdevs, ".") : NULL;

    for (guint i = 0; names != NULL && i < names->len; i++)
        add(ports, netdevs, g_ptr_array_index(names, i), names->len == 1);
    g_ptr_array_sort(ports, compare_ports);
    return ports;
}

char *
ferry_port_read_id(int root, const char *netdev)
{
    g_autofree char *path = g_strconcat("sys/class/net/", netdev, "/phys_port_id", NULL);

    return ferry_sysfs_text(root, path);
}
