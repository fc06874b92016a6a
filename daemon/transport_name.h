/* SPDX-License-Identifier: MIT */
/* Whose address libcurl has to look up for a request. Pure: URLs in, a name out. */
#ifndef LLMFO_TRANSPORT_NAME_H
#define LLMFO_TRANSPORT_NAME_H

#include <stdbool.h>

/*
 * What stands for the look-ups that a request to url by way of proxy (NULL: none) needs: two
 * requests with the same name need the same ones. To be freed; NULL: none is needed, or the URL is
 * not one. *late: an address is still looked up once the first socket is open (it is a proxy that
 * has to be given addresses).
 */
char *transport_name(const char *url, const char *proxy, bool *late);

#endif
