/* SPDX-License-Identifier: MIT */
#include "stage.h"

#define TIMEOUT_FAILED_MS	10000u	/* at least, when the last start found no root */

/* crt0 calls this with the C compiler's own convention, not with the firmware's. */
EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *table);

static EFI_STATUS stage_init(struct stage *stage, EFI_HANDLE image, EFI_SYSTEM_TABLE *table)
{
	memset(stage, 0, sizeof(*stage));
	stage->tsc_entry = stage_rdtsc();
	stage->image = image;
	stage->table = table;
	stage->bs = table->BootServices;
	stage->rt = table->RuntimeServices;
	stage->in = table->ConIn;
	stage->log_level = LEVEL_INFO;
	stage->to_text = true;
	stage_memory_init(stage);
	stage->tsc_hz = stage_calibrate(stage);
	stage->tsc_said = stage->tsc_entry;
	stage->bs->SetWatchdogTimer(0, 0, 0, NULL);
	stage_faults_init(stage);
	return stage->bs->HandleProtocol(image, &loaded_image_guid, (void **)&stage->loaded);
}

/* One attempt; the books must balance afterwards. */
static enum om_status attempt(struct stage *stage, struct boot_item *item, enum boot_goal goal)
{
	struct stage_account before = stage->account;
	enum om_status status;
	EFI_STATUS result;

	if (stage->volume_failed) {
		result = stage_volume_recover(stage);
		stage_log(stage, LEVEL_WARNING, "volume: reconnected after a read error: %s",
			  stage_efi_text(result));
		if (EFI_ERROR(result)) {
			stage->volume_failed = true;
			return stage_fail(stage, OM_IO, "volume: %s", stage_efi_text(result));
		}
	}
	stage->message[0] = '\0';
	stage->tsc_said = stage_rdtsc();
	status = stage_boot(stage, item, goal);
	if (memcmp(&before, &stage->account, sizeof(before)) != 0)
		stage_log(stage, LEVEL_ERROR, "leak: %lld pages, %lld files not given back",
			  (long long)(stage->account.pages - before.pages),
			  (long long)(stage->account.files - before.files));
	return status;
}

/* Menu and attempts until the user leaves; a successful handoff does not come back. */
static EFI_STATUS run(struct stage *stage, struct stage_config *config)
{
	uint32_t timeout = stage_choose_timeout(stage, config);
	size_t at = stage_choose_entry(stage, config);
	enum menu_action action;
	enum om_status status;
	bool at_once;

	stage->config = config;
	stage_console_mode(stage);
	stage_last_start(stage);
	/* Somebody may be there to choose another entry; if not, the disk may be by now. */
	if (stage->failure.count && stage->in && timeout < TIMEOUT_FAILED_MS)
		timeout = TIMEOUT_FAILED_MS;
	/* With nobody to ask there is nothing to wait for either. */
	at_once = (timeout == 0 || !stage->in) && !config->items[at]->error[0];
	stage_faults_loop(stage, config->items[at]);
	if (timeout == 0)
		timeout = OM_WAIT_FOREVER;	/* once the menu is up, it stays */
	if (at_once && !config->menu_disabled && stage_key(stage, 0) != MENU_KEY_NONE)
		at_once = false;
	for (;;) {
		if (!stage->in && !at_once)
			return EFI_LOAD_ERROR;
		if (!at_once && !stage->tsc_menu)
			stage->tsc_menu = stage_rdtsc();
		action = at_once ? MENU_BOOT : stage_menu(stage, config, &at, timeout);
		at_once = false;
		timeout = OM_WAIT_FOREVER;
		if (action == MENU_LEAVE)
			return EFI_ABORTED;
		stage->tsc_selected = stage_rdtsc();
		if (action == MENU_BOOT) {
			stage_count_attempt(stage, config, config->items[at]);
			stage_choice_keep(stage, config, config->items[at]);
		}
		status = attempt(stage, config->items[at], action == MENU_SHOW_PLAN ? BOOT_PLAN :
				 action == MENU_SHOW_DESCRIPTOR ? BOOT_DESCRIPTOR : BOOT_GO);
		if (status != OM_OK && !stage->in)
			return stage_efi_status(status);
	}
}

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *table)
{
	struct stage_config config;
	struct stage stage;
	enum om_status status;
	EFI_STATUS result;

	result = stage_init(&stage, image, table);
	if (EFI_ERROR(result))
		return result;
	stage_log(&stage, LEVEL_INFO, "stage: overmount.efi at %p, TSC %llu kHz, began %llu us after "
		  "the reset", stage.loaded->ImageBase, (unsigned long long)(stage.tsc_hz / 1000),
		  (unsigned long long)stage_ticks_usec(&stage, stage.tsc_entry));
	result = stage_volume_open(&stage);
	if (EFI_ERROR(result)) {
		stage_fail(&stage, OM_IO, "volume: cannot be opened: %s", stage_efi_text(result));
		goto exit;
	}
	status = stage_config_load(&stage, &config);
	if (config.count > 0) {
		result = run(&stage, &config);
	} else if (status != OM_OK) {
		result = stage_efi_status(status);
	} else {
		stage_fail(&stage, OM_MISSING, "no boot entries: expected /loader/entries/*.conf or "
			   "/EFI/overmount/overmount.conf on this volume");
		result = EFI_NOT_FOUND;
	}
	stage_config_release(&config);
	stage_volume_close(&stage);
exit:
	stage_log(&stage, LEVEL_ERROR, "exit: to the firmware: %s; %llu pages, %llu files held",
		  stage_efi_text(result), (unsigned long long)stage.account.pages,
		  (unsigned long long)stage.account.files);
	return result;
}
