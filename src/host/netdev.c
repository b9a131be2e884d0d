#include "host/netdev.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/ether.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "host/sysfs.h"

#define LOWER "lower_"

bool
ferry_netdev_is_up(int root, const char *netdev)
{
    g_autofree char *path = g_build_filename("sys/class/net", netdev, "flags", NULL);
    uint64_t flags = 0;

    return ferry_sysfs_number(root, path, UINT32_MAX, &flags) && (flags & IFF_UP) != 0;
}

char *
ferry_netdev_address(int root, const char *netdev)
{
    g_autofree char *path = g_build_filename("sys/class/net", netdev, "address", NULL);

    return ferry_sysfs_text(root, path);
}

char *
ferry_netdev_lower(int root, const char *netdev)
{
    g_autofree char *path = g_build_filename("sys/class/net", netdev, NULL);
    g_autoptr(GPtrArray) names = ferry_sysfs_list(root, path);
    const char *lower = NULL;

    for (guint i = 0; names != NULL && i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);

        if (!g_str_has_prefix(name, LOWER))
            continue;
        if (lower != NULL) /* a bond: which of them is meant? */
            return NULL;
        lower = name + strlen(LOWER);
    }
    return g_strdup(lower);
}

/* Lines are "eth3.42         | 42  | eth3", below two of heading. */
static char *
match_vlan(const char *line, const char *lower, unsigned vlan)
{
    g_auto(GStrv) parts = g_strsplit(line, "|", 4);
    guint64 id = 0;

    if (g_strv_length(parts) != 3 ||
        !g_ascii_string_to_unsigned(g_strstrip(parts[1]), 10, 1, 4094, &id, NULL) || id != vlan ||
        strcmp(g_strstrip(parts[2]), lower) != 0)
        return NULL;
    return g_strdup(g_strstrip(parts[0]));
}

/* Returns: (nullable): a stream of a file in proc, which may be long */
static FILE *
open_file(int root, const char *path)
{
    const int fd = openat(root, path, O_RDONLY | O_CLOEXEC);

    return fd < 0 ? NULL : fdopen(fd, "r");
}

char *
ferry_netdev_vlan(int root, const char *lower, unsigned vlan)
{
    FILE *file = open_file(root, "proc/net/vlan/config");
    char line[256];
    char *found = NULL;

    if (file == NULL)
        return NULL;
    while (found == NULL && fgets(line, sizeof line, file) != NULL)
        found = match_vlan(line, lower, vlan);
    (void)fclose(file);
    return found;
}

/* Returns: a socket for requests of netdevice(7), or -1 with errno */
static int
begin(const char *netdev, struct ifreq *ret)
{
    if (strlen(netdev) >= sizeof ret->ifr_name) {
        errno = ENODEV;
        return -1;
    }
    (void)strcpy(ret->ifr_name, netdev);
    return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static int
change_flags(const char *netdev, short set, short clear)
{
    struct ifreq request = { 0 };
    FERRY_AUTOFD int fd = begin(netdev, &request);

    if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) < 0)
        return errno;
    request.ifr_flags = (short)((request.ifr_flags | set) & ~clear);
    return ioctl(fd, SIOCSIFFLAGS, &request) < 0 ? errno : 0;
}

static int
set_up(void *data, const char *netdev)
{
    (void)data;
    return change_flags(netdev, IFF_UP, 0);
}

static int
set_down(void *data, const char *netdev)
{
    (void)data;
    return change_flags(netdev, 0, IFF_UP);
}

static int
set_address(void *data, const char *netdev, const char *mac)
{
    struct ifreq request = { 0 };
    FERRY_AUTOFD int fd = begin(netdev, &request);
    const struct ether_addr *address = NULL;
    struct ether_addr room;

    (void)data;
    if (fd < 0)
        return errno;
    address = ether_aton_r(mac, &room);
    if (address == NULL)
        return EINVAL;
    request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
    memcpy(request.ifr_hwaddr.sa_data, address, sizeof *address);
    return ioctl(fd, SIOCSIFHWADDR, &request) < 0 ? errno : 0;
}

const FerryNetdevOps *
ferry_netdev_kernel(void)
{
    static const FerryNetdevOps ops = { set_up, set_down, set_address };

    return &ops;
}

/*
 * A line has a column a processor before the name, so it is as long as the host is large; it is
 * read in pieces, each of which begins with the end of the one before: a name in two is found.
 */
bool
ferry_vfio_is_driven(int root, const char *address)
{
    g_autofree char *name = g_strdup_printf("](%s)", address);
    FILE *file = open_file(root, "proc/interrupts");
    const size_t keep = strlen(name);
    char piece[8192];
    size_t kept = 0, n = 0;
    bool found = false;

    if (file == NULL)
        return false;
    while (!found && (n = fread(piece + kept, 1, sizeof piece - 1 - kept, file)) > 0) {
        n += kept;
        piece[n] = '\0';
        found = strstr(piece, name) != NULL;
        kept = MIN(n, keep);
        memmove(piece, piece + n - kept, kept);
    }
    (void)fclose(file);
    return found;
}
