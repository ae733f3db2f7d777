/* Plugins that must be refused, one for each value of BAD. */
#include <stdlib.h>
#include <unistd.h>

#include <dpkgng-plugin.h>

#define OLD 1
#define NEW 2
#define NEWER 3
#define DECLINES 4
#define CRASHES_LOADED 5
#define CRASHES_ENTERED 6
#define CRASHES_STARTED 7
#define EXITS 8
#define HANGS 9
#define SHORT 10
#define FAILS 11
#define NO_ENTRY 12
#define UNDEFINED 13
#define CLAIMS_IN_VAIN 14
#define NAMELESS 15
#define MANY_CLAIMS 16

#if BAD == UNDEFINED
extern int not_there(void);
int (*const needed)(void) = not_there;
#endif

static void crash(void)
{
	volatile int *volatile nowhere = NULL;

	*nowhere = 1;
}

__attribute__((constructor)) static void loaded(void)
{
	if (BAD == CRASHES_LOADED)
		crash();
}

static int32_t init(const struct dpkgng_host *host, void **data)
{
	static const char why[] = "no disk in the drive";
	struct dpkgng_str text = { (const uint8_t *)why, sizeof(why) - 1 };

	(void)data;
	if (BAD == CRASHES_STARTED)
		crash();
	if (BAD == EXITS)
		exit(0);
	if (BAD == HANGS)
		for (;;)
			pause();
	if (BAD != FAILS)
		return DPKGNG_NO;
	host->set_error(host, text);
	return DPKGNG_ERROR;
}

static const struct dpkgng_claim claims[] = {
	{ sizeof(struct dpkgng_claim), DPKGNG_CLAIM_COMMAND, DPKGNG_STR("bad") },
};

static const struct dpkgng_plugin plugin = {
	.header = {
		BAD == SHORT ? 16 : sizeof(plugin),
		BAD == OLD ? DPKGNG_ABI_MAJOR - 1 : BAD == NEW ? DPKGNG_ABI_MAJOR + 1 : DPKGNG_ABI_MAJOR,
		BAD == NEWER ? DPKGNG_ABI_MINOR + 1 : 0,
	},
	.name = { (const uint8_t *)"bad", BAD == NAMELESS ? 0 : 3 },
	.version = DPKGNG_STR("1"),
	.init = init,
	.claims = BAD == CLAIMS_IN_VAIN ? claims : NULL,
	.claim_count = BAD == CLAIMS_IN_VAIN ? 1 : BAD == MANY_CLAIMS ? 1 << 30 : 0,
};

#if BAD != NO_ENTRY
const struct dpkgng_plugin *dpkgng_plugin_entry(uint32_t host_major, uint32_t host_minor)
{
	(void)host_major, (void)host_minor;
	if (BAD == CRASHES_ENTERED)
		crash();
	return BAD == DECLINES ? NULL : &plugin;
}
#endif
