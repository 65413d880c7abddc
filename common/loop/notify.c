#include "loop/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/log.h"

static struct {
    int fd; /* 0 = nobody listens */
    struct sockaddr_un address;
    socklen_t address_len;
    struct loop *loop;
    struct loop_timer *timer;
    mono_ms every_ms;
} manager;

static void tell(const char *text)
{
    if (manager.fd > 0 &&
        sendto(manager.fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT,
               (const struct sockaddr *)&manager.address, manager.address_len) < 0) {
        log_line(LOG_DEBUG, "notify_failed", "text=%s", LOG_Q(text));
    }
}

static void on_alive(void *user)
{
    (void)user;
    tell("WATCHDOG=1");
    loop_timer_set(manager.timer, loop_now(manager.loop).mono + manager.every_ms);
}

/* The watchdog interval, if the manager watches this very process. */
static mono_ms watchdog_ms(void)
{
    const char *usec = getenv("WATCHDOG_USEC");
    const char *pid = getenv("WATCHDOG_PID");
    if (usec == NULL || (pid != NULL && strtol(pid, NULL, 10) != (long)getpid())) {
        return 0;
    }
    long long value = strtoll(usec, NULL, 10);
    return value > 0 ? (mono_ms)(value / 1000) : 0;
}

void notify_ready(struct loop *l)
{
    const char *path = getenv("NOTIFY_SOCKET");
    size_t len = path != NULL ? strlen(path) : 0;
    bool usable =
        len > 1 && len < sizeof manager.address.sun_path && (path[0] == '/' || path[0] == '@');
    if (usable && manager.fd == 0) {
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        manager.fd = fd > 0 ? fd : 0;
        manager.address.sun_family = AF_UNIX;
        memcpy(manager.address.sun_path, path, len);
        if (path[0] == '@') { /* abstract socket name */
            manager.address.sun_path[0] = '\0';
        }
        manager.address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
        tell("READY=1");
        manager.every_ms = watchdog_ms() / 2;
        if (manager.every_ms > 0) {
            manager.loop = l;
            manager.timer = loop_timer_create(l, on_alive, NULL);
            on_alive(NULL);
        }
    }
    (void)unsetenv("NOTIFY_SOCKET");
    (void)unsetenv("WATCHDOG_USEC");
    (void)unsetenv("WATCHDOG_PID");
}

void notify_stopping(void)
{
    tell("STOPPING=1");
}
