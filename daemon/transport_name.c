/* SPDX-License-Identifier: MIT */
/* See transport_name.h. libcurl's own parser splits the URLs, so that both see the same host. */
#include "transport_name.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdlib.h>

#include "util.h"

/* Host and port; with the scheme too where the port's default is none that the parser knows. */
static char *
join(CURLU *parts, bool is_proxy, const char *host)
{
	char *scheme = NULL, *port = NULL, *name = NULL;

	curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0);
	curl_url_get(parts, CURLUPART_PORT, &port, is_proxy ? 0 : CURLU_DEFAULT_PORT);
	name = x_asprintf("%s%s%s:%s", is_proxy && scheme ? scheme : "", is_proxy ? "://" : "",
		host, port ? port : "");
	curl_free(scheme);
	curl_free(port);
	return name;
}

static bool
is_numeric(const char *host)
{
	struct in_addr address;

	return host[0] == '[' || inet_pton(AF_INET, host, &address) == 1;
}

/* NULL: it has none, or a numeric one. */
static char *
name_in(const char *url, bool is_proxy)
{
	CURLU *parts = curl_url();
	char *host = NULL, *name = NULL;

	if (parts &&
		curl_url_set(parts, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
		curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK && !is_numeric(host))
		name = join(parts, is_proxy, host);
	curl_free(host);
	curl_url_cleanup(parts);
	return name;
}

char *
transport_name(const char *url, const char *proxy, bool *late)
{
	*late = false;
	if (!proxy)
		return name_in(url, false);
	char *proxy_name = name_in(proxy, true);
	if (!util_starts_with(proxy, "socks5://"))
		return proxy_name;
	char *own_name = name_in(url, false), *name = NULL;
	*late = own_name != NULL;
	if (own_name || proxy_name)
		name = x_asprintf(
			"%s by %s", own_name ? own_name : "", proxy_name ? proxy_name : "");
	free(own_name);
	free(proxy_name);
	return name;
}
