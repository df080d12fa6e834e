/* SPDX-License-Identifier: MIT */
/*
 * Which entry stands first and how long the menu waits: what the system asked for by variables of
 * the Boot Loader Interface, then the configuration.
 */
#include "esrt.h"
#include "stage.h"

#define TIMEOUT_DEFAULT_MS	5000u

static const uint16_t default_name[] = u"LoaderEntryDefault", last_name[] = u"LoaderEntryLastBooted";

/* The entry that was started last. */
static bool is_saved(struct om_str id)
{
	return om_str_is(id, "@saved");
}

static bool choose_by(struct stage *stage, struct stage_config *config, const uint16_t *name,
		      bool once, size_t *ret_at)
{
	char id[STAGE_NAME_BYTES];
	bool matched;

	if (!loader_value_read(stage, name, once, id, sizeof(id)) ||
	    (is_saved(om_str_from(id)) && !loader_value_read(stage, last_name, false, id, sizeof(id))))
		return false;
	*ret_at = boot_items_default(config->items, config->count, om_str_from(id), &matched);
	stage_log(stage, matched ? LEVEL_INFO : LEVEL_WARNING, "%s: the system's %s for the next boot%s",
		  matched ? "config" : "warning", id, matched ? "" : " names no entry");
	return matched;
}

/* The firmware could not update itself: there may be an entry for that. */
static bool choose_after_failure(struct stage *stage, struct stage_config *config, size_t *ret_at)
{
	if (!esrt_update_failed((const uint8_t *)stage_config_table(stage, &esrt_guid)))
		return false;
	stage_log(stage, LEVEL_WARNING, "warning: the firmware says that its last update failed");
	loader_interface_failed(stage);
	return choose_by(stage, config, u"LoaderEntrySysFail", false, ret_at);
}

static bool choose_by_option(struct stage *stage, struct stage_config *config, size_t *ret_at)
{
	bool matched;

	if (!config->option[0])
		return false;
	*ret_at = boot_items_default(config->items, config->count, om_str_from(config->option), &matched);
	stage_log(stage, matched ? LEVEL_INFO : LEVEL_WARNING, "%s: load option '%s'%s",
		  matched ? "config" : "warning", config->option, matched ? "" : " names no entry");
	return matched;
}

/* Unless nothing is left of its tries. */
static bool choose_preferred(struct stage *stage, struct stage_config *config, size_t *ret_at)
{
	if (!choose_by(stage, config, u"LoaderEntryPreferred", false, ret_at))
		return false;
	if (!om_boot_count_is_bad(&config->items[*ret_at]->count))
		return true;
	stage_log(stage, LEVEL_WARNING, "warning: that has no tries left");
	return false;
}

/*
 * In this order: a failure of the firmware; LoadOptions; what the system asked for, once or as the
 * default; `default`; the first that can boot.  What is for one boot is for this one, whatever
 * comes before it.
 */
size_t stage_choose_entry(struct stage *stage, struct stage_config *config)
{
	struct om_str pattern = config->global->default_id;
	size_t at, once_at = 0;
	bool matched;

	if (choose_by(stage, config, u"LoaderEntryOneShot", true, &once_at))
		config->once = config->items[once_at];
	if (choose_after_failure(stage, config, &at) || choose_by_option(stage, config, &at))
		return at;
	if (config->once)
		return once_at;
	if (choose_preferred(stage, config, &at) || choose_by(stage, config, default_name, false, &at))
		return at;
	if (is_saved(pattern)) {
		if (choose_by(stage, config, last_name, false, &at))
			return at;
		pattern.len = 0;
	}
	at = boot_items_default(config->items, config->count, pattern, &matched);
	if (!matched && pattern.len)
		stage_log(stage, LEVEL_WARNING, "warning: default '%.*s' names no entry",
			  (int)pattern.len, pattern.ptr);
	return at;
}

/* Not of a boot that was for once; and written only when it is another one. */
void stage_choice_keep(struct stage *stage, const struct stage_config *config,
		       const struct boot_item *item)
{
	struct om_str pattern = config->global->default_id, want = { "", 0 };
	char id[STAGE_NAME_BYTES];

	if (item == config->once || item->error[0])
		return;
	if (loader_value_read(stage, default_name, false, id, sizeof(id)))
		pattern = om_str_from(id);
	if (is_saved(pattern))
		want = item->entry->id;
	loader_value_read(stage, last_name, false, id, sizeof(id));
	if (!om_str_equal(om_str_from(id), want))
		loader_value_keep(stage, last_name, want);
}

/* What the system asked for, once or for good; the file; five seconds. */
uint32_t stage_choose_timeout(struct stage *stage, struct stage_config *config)
{
	uint32_t ms;
	char text[32];

	if (loader_value_read(stage, u"LoaderConfigTimeoutOneShot", true, text, sizeof(text)) &&
	    loader_timeout(text, true, &ms, &config->menu_disabled))
		return ms;
	if (loader_value_read(stage, u"LoaderConfigTimeout", false, text, sizeof(text)) &&
	    loader_timeout(text, false, &ms, &config->menu_disabled))
		return ms;
	return config->global->has_timeout ? config->global->timeout_ms : TIMEOUT_DEFAULT_MS;
}
