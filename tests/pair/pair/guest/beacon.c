/*
 * The guest's evidence: every PERIOD_MS one broadcast "ferry BOOT_ID SEQ UPTIME_MS E1000E_NICS COMMANDS", numbered
 * without a gap.  Two copies of a guest number from the same point on, so whoever hears one number
 * twice has seen two guests; a new boot id is a reboot; a pause is a gap in time and not in numbers.  COMMANDS counts what was obeyed.
 *
 * Takes commands as datagrams on COMMAND_PORT:
 *   deaf     masks the ACPI event of PCI hot-plug, so the guest ignores an unplug   (QEMU's GPE 1)
 *   hear     unmasks it: what was asked meanwhile is done now
 *   fill N   touches N MiB with bytes that do not compress
 *   dirty N  rewrites N KiB of that at every beat
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PERIOD_MS 5
#define PORT 7777
#define COMMAND_PORT 7778 /* not PORT: the guest hears its own broadcasts */
#define BROADCAST "10.78.0.255"

static uint64_t
now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static int
count_e1000e(void)
{
    DIR *dir = opendir("/sys/bus/pci/drivers/e1000e");
    int n = 0;

    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;)
        n += strncmp(entry->d_name, "0000:", 5) == 0; /* one link for each bound device, by its address */
    if (dir != NULL)
        closedir(dir);
    return n;
}

static void
write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);

    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        perror(path);
    if (fd >= 0)
        close(fd);
}

static uint32_t *memory;
static size_t memory_words, dirty_words, next_word;

static void
scribble(size_t words)
{
    static uint32_t random = 2463534242;

    for (; words > 0 && memory_words > 0; words--) {
        random ^= random << 13, random ^= random >> 17, random ^= random << 5; /* xorshift32, Marsaglia 2003 */
        memory[next_word] = random;
        next_word = (next_word + 1) % memory_words;
    }
}

static void
obey(const char *command)
{
    unsigned n;

    if (strcmp(command, "deaf") == 0)
        write_file("/sys/firmware/acpi/interrupts/gpe01", "mask\n");
    else if (strcmp(command, "hear") == 0)
        write_file("/sys/firmware/acpi/interrupts/gpe01", "unmask\n");
    else if (sscanf(command, "fill %u", &n) == 1 && memory == NULL && (memory = malloc((size_t)n << 20)) != NULL)
        scribble(memory_words = ((size_t)n << 20) / sizeof *memory);
    else if (sscanf(command, "dirty %u", &n) == 1)
        dirty_words = ((size_t)n << 10) / sizeof *memory;
}

int
main(void)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(COMMAND_PORT)};
    struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = inet_addr(BROADCAST)};
    struct pollfd poller = {.fd = socket(AF_INET, SOCK_DGRAM, 0), .events = POLLIN};
    char boot[37] = "", text[128];
    uint64_t next = now_ms();
    int id = open("/proc/sys/kernel/random/boot_id", O_RDONLY);

    if (id < 0 || read(id, boot, 36) != 36 || bind(poller.fd, (struct sockaddr *)&here, sizeof here) != 0 ||
        setsockopt(poller.fd, SOL_SOCKET, SO_BROADCAST, &(int){1}, sizeof(int)) != 0) {
        perror("beacon");
        return 1;
    }
    for (uint64_t seq = 0, nics = 0, obeyed = 0;; seq++) {
        if (seq % 20 == 0)
            nics = (uint64_t)count_e1000e();
        snprintf(text, sizeof text, "ferry %s %llu %llu %llu %llu", boot, (unsigned long long)seq,
                 (unsigned long long)now_ms(), (unsigned long long)nics, (unsigned long long)obeyed);
        (void)sendto(poller.fd, text, strlen(text), 0, (struct sockaddr *)&there, sizeof there); /* no link yet */
        if (seq % 200 == 0)
            puts(text); /* the console's evidence */
        scribble(dirty_words);
        next += PERIOD_MS;
        if (next < now_ms())
            next = now_ms(); /* after a pause go on, do not catch up */
        for (int64_t left; (left = (int64_t)(next - now_ms())) > 0;) {
            ssize_t got;

            if (poll(&poller, 1, (int)left) == 1 && (got = recv(poller.fd, text, sizeof text - 1, 0)) > 0) {
                text[got] = '\0';
                obey(text);
                obeyed++;
            }
        }
    }
}
