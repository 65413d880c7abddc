#include "http/shown.h"

#include <assert.h>
#include <stdio.h>

size_t shown_request(uint8_t *bytes, size_t size)
{
    static const char text[] = "POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\n.";
    size_t len = sizeof text - 1;
    assert(len <= size);
    memcpy(bytes, text, len);
    return len;
}

size_t shown_handshake(const struct head *h, uint8_t *bytes, size_t size)
{
    struct bytes key = h->fields[HEAD_SOCKET_KEY];
    bool is_named = head_list_has(h->fields[HEAD_SOCKET_PROTOCOLS], SHOWN_PROTOCOL);
    int n = snprintf((char *)bytes, size,
                     "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %.*s\r\n%s\r\n",
                     (int)key.len, (const char *)key.ptr,
                     is_named ? "Sec-WebSocket-Protocol: " SHOWN_PROTOCOL "\r\n" : "");
    assert(n > 0 && (size_t)n < size);
    return (size_t)n;
}
