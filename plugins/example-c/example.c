/* A plugin in C. Build it with
 *
 *     cc -shared -fPIC -fvisibility=hidden -I ../abi/include -o example-c.so example.c
 *
 * and ask for it with `dpkg-ng --plugin ./example-c.so …`:
 *
 *     … -i PACKAGE.deb        says what dpkg does, writes files that are called *.shout in
 *                             capitals, and lets nobody touch the package `precious`
 *     … example-c FILE.deb    lists what is in a package, with the digests of its files
 *
 * SPDX-License-Identifier: GPL-2.0-or-later */
#define _POSIX_C_SOURCE 200809L
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <dpkgng-plugin.h>

static const struct dpkgng_host *host;

static struct dpkgng_str str(const char *text)
{
	struct dpkgng_str s = { (const uint8_t *)text, strlen(text) };
	return s;
}

static int32_t fail(const char *why)
{
	host->set_error(host, str(why));
	return DPKGNG_ERROR;
}

static void say(uint32_t kind, const char *text)
{
	host->say(host, kind, str(text));
}

static int is(struct dpkgng_str s, const char *text)
{
	return s.len == strlen(text) && memcmp(s.data, text, s.len) == 0;
}

static int ends_with(struct dpkgng_str s, const char *end)
{
	size_t len = strlen(end);
	return s.len >= len && memcmp(s.data + s.len - len, end, len) == 0;
}

/* Hooks. */

static void tell(const char *when, const struct dpkgng_packages *packages,
                 const struct dpkgng_scope *scope)
{
	static const char *const steps[] = {
		"", "unpack", "configure", "remove", "purge", "triggers", "disappear"
	};
	struct dpkgng_package_info info = { .size = sizeof(info) };
	char line[512];
	int len;

	len = snprintf(line, sizeof(line), "%s", when);
	if (scope->package != DPKGNG_NO_PACKAGE &&
	    host->package_info(host, packages, scope->package, DPKGNG_AVAILABLE, &info) == DPKGNG_NO)
		len += snprintf(line + len, sizeof(line) - len, " %.*s %.*s",
		                (int)info.name.len, (const char *)info.name.data,
		                (int)info.version.len, (const char *)info.version.data);
	if (scope->kind == DPKGNG_SCOPE_PACKAGE && scope->step < sizeof(steps) / sizeof(*steps))
		len += snprintf(line + len, sizeof(line) - len, " %s", steps[scope->step]);
	else
		len += snprintf(line + len, sizeof(line) - len, " %.*s",
		                (int)scope->name.len, (const char *)scope->name.data);
	if (!scope->ok)
		snprintf(line + len, sizeof(line) - len, " failed");
	say(DPKGNG_SAY_NOTICE, line);
}

static int32_t pre(void *data, const struct dpkgng_packages *packages,
                   const struct dpkgng_scope *scope)
{
	struct dpkgng_package_info info = { .size = sizeof(info) };

	(void)data;
	if (scope->kind == DPKGNG_SCOPE_PACKAGE) {
		if (host->package_info(host, packages, scope->package, DPKGNG_AVAILABLE, &info) < 0)
			return DPKGNG_ERROR;
		if (is(info.name, "precious"))
			return fail("precious is not to be touched");
	}
	tell("before", packages, scope);
	return DPKGNG_NO;
}

static void post(void *data, const struct dpkgng_packages *packages,
                 const struct dpkgng_scope *scope)
{
	(void)data;
	tell("after", packages, scope);
}

static int32_t wants_content(void *data, const struct dpkgng_packages *packages,
                             uint32_t package, struct dpkgng_str path)
{
	(void)data, (void)packages, (void)package;
	return ends_with(path, ".shout") ? DPKGNG_YES : DPKGNG_NO;
}

static int32_t rewrite(void *data, const struct dpkgng_packages *packages, uint32_t package,
                       struct dpkgng_str path, int32_t fd)
{
	char buffer[4096];
	ssize_t got;
	off_t at = 0;

	(void)data, (void)packages, (void)package, (void)path;
	while ((got = pread(fd, buffer, sizeof(buffer), at)) > 0) {
		for (ssize_t i = 0; i < got; i++)
			buffer[i] = (char)toupper((unsigned char)buffer[i]);
		if (pwrite(fd, buffer, (size_t)got, at) != got)
			return fail("cannot write");
		at += got;
	}
	return got < 0 ? fail("cannot read") : DPKGNG_NO;
}

static const struct dpkgng_hooks hooks = {
	.size = sizeof(hooks),
	.pre = pre,
	.post = post,
	.wants_content = wants_content,
	.rewrite = rewrite,
};

/* The command. */

static int32_t field(void *user, struct dpkgng_str name, struct dpkgng_str value)
{
	(void)user;
	host->say(host, DPKGNG_SAY_OUTPUT, name);
	say(DPKGNG_SAY_OUTPUT, " is ");
	host->say(host, DPKGNG_SAY_OUTPUT, value);
	say(DPKGNG_SAY_OUTPUT, "\n");
	return DPKGNG_NO;
}

static int32_t stanza(void *user, const struct dpkgng_stanza *stanza)
{
	return host->stanza_fields(host, stanza, field, user);
}

static int32_t member(void *user, struct dpkgng_str name, struct dpkgng_str content, uint32_t mode)
{
	(void)mode;
	return is(name, "control") ? host->stanzas(host, content, stanza, user) : DPKGNG_NO;
}

static int32_t entry(void *user, struct dpkgng_deb *deb, const struct dpkgng_tar_entry *entry)
{
	struct dpkgng_digest *digest;
	struct dpkgng_str hex;
	uint8_t buffer[8192];
	size_t got;

	(void)user;
	if (entry->kind != DPKGNG_FILE)
		return DPKGNG_NO;
	if (host->digest_new(host, DPKGNG_SHA256, &digest) < 0)
		return DPKGNG_ERROR;
	for (;;) {
		int32_t read = host->deb_read(host, deb, buffer, sizeof(buffer), &got);
		if (read < 0 || got == 0) {
			int32_t done = host->digest_finish(host, digest, &hex);
			if (read < 0 || done < 0)
				return DPKGNG_ERROR;
			break;
		}
		struct dpkgng_str part = { buffer, got };
		host->digest_update(host, digest, part);
	}
	host->say(host, DPKGNG_SAY_OUTPUT, hex);
	say(DPKGNG_SAY_OUTPUT, "  ");
	host->say(host, DPKGNG_SAY_OUTPUT, entry->name);
	say(DPKGNG_SAY_OUTPUT, "\n");
	return DPKGNG_NO;
}

static int32_t command(void *data, const struct dpkgng_str *args, size_t arg_count,
                       int32_t *exit_code)
{
	(void)data;
	if (arg_count != 2)
		return fail("example-c needs one package file");
	*exit_code = 0;
	if (host->deb_members(host, args[1], member, NULL) < 0)
		return DPKGNG_ERROR;
	return host->deb_entries(host, args[1], entry, NULL);
}

/* What dpkg-ng is told. */

static int32_t init(const struct dpkgng_host *table, void **data)
{
	(void)data;
	host = table;
	return DPKGNG_HAS(host, architecture) ? DPKGNG_NO : DPKGNG_ERROR;
}

static const struct dpkgng_claim claims[] = {
	{ sizeof(struct dpkgng_claim), DPKGNG_CLAIM_COMMAND, DPKGNG_STR("example-c") },
};

static const struct dpkgng_plugin plugin = {
	.header = { sizeof(plugin), DPKGNG_ABI_MAJOR, 0 },
	.name = DPKGNG_STR("example-c"),
	.version = DPKGNG_STR("1"),
	.init = init,
	.claims = claims,
	.claim_count = 1,
	.command = command,
	.hooks = &hooks,
};

const struct dpkgng_plugin *dpkgng_plugin_entry(uint32_t host_major, uint32_t host_minor)
{
	(void)host_minor;
	return host_major == DPKGNG_ABI_MAJOR ? &plugin : NULL;
}
