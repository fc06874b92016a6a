/* SPDX-License-Identifier: MIT */
/* See transport.h: what all transports share. */
#include "transport.h"

const char *
transport_end_name(enum transport_end end)
{
	switch (end) {
	case TRANSPORT_DONE: return "done";
	case TRANSPORT_REFUSED: return "refused";
	case TRANSPORT_UNREACHABLE: return "unreachable";
	case TRANSPORT_DNS: return "dns";
	case TRANSPORT_TLS: return "tls";
	case TRANSPORT_CONNECT_TIMEOUT: return "connect_timeout";
	case TRANSPORT_RESET: return "reset";
	case TRANSPORT_TIMEOUT: return "timeout";
	case TRANSPORT_TRUNCATED: return "truncated";
	case TRANSPORT_TOO_LARGE: return "too_large";
	case TRANSPORT_PROTOCOL: return "protocol";
	case TRANSPORT_INTERNAL: return "internal";
	}
	return "unknown";
}
