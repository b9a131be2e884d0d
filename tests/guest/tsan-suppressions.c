/*
 * For the thread sanitizer alone: GLib and libvirt lock by futex, which it cannot see in libraries
 * that are not built with it, so it takes every block of memory that these hand from thread to
 * thread for a race.  What our own code does is still watched.
 */
const char *__tsan_default_suppressions(void);

const char *
__tsan_default_suppressions(void)
{
    return "called_from_lib:libglib-2.0.so.0\n"
           "called_from_lib:libvirt.so.0\n";
}
