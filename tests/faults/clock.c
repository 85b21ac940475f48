/* A clock on the wall that goes wrong while the machine goes on: time of day is shifted, what counts seconds is not.
 *
 * Loaded before the C library (LD_PRELOAD). The first eight bytes of the file that MESSENGER_CLOCK names say by how many
 * nanoseconds; they may change at any moment.
 */
#include "shim.h"
#include <sys/time.h>
#include <time.h>

static const long long SECOND = 1000000000LL;
static const volatile long long *shift;

__attribute__((constructor)) static void begin(void) { shift = watched("MESSENGER_CLOCK"); }

int clock_gettime(clockid_t id, struct timespec *now) {
    static int (*call)(clockid_t, struct timespec *);
    if (!call) call = real("clock_gettime");
    int answer = call(id, now);
    if (!answer && shift && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) {
        long long moved = now->tv_sec * SECOND + now->tv_nsec + *shift;
        now->tv_sec = moved / SECOND;
        now->tv_nsec = moved % SECOND;
    }
    return answer;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    (void)zone;
    int answer = clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return answer;
}

time_t time(time_t *also) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (also) *also = exact.tv_sec;
    return exact.tv_sec;
}
