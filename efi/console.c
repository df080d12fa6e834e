/* SPDX-License-Identifier: MIT */
#include "device_path.h"
#include "stage.h"

#include <stdarg.h>

#define LINE_UNITS	(OM_LOG_LINE_MAX + 8)
#define PROGRESS_USEC	500000u
/* The firmware looks at a serial line every 20 ms. */
#define ESCAPE_USEC	10000u
#define ESCAPE_TRIES	5u

static EFI_GUID serial_guid = { 0xbb25cf6f, 0xf1d4, 0x11d2,
				{ 0x9a, 0x0c, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0xfd } };

static EFI_GUID global_variable_guid = { 0x8be4df61, 0x93ca, 0x11d2,
					 { 0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c } };
static CHAR16 con_out_name[] = { 'C', 'o', 'n', 'O', 'u', 't', 0 };

/* The beginning of EFI_SERIAL_IO_PROTOCOL, as far as it is used. */
struct serial_io {
	UINT32 revision;
	void *reset, *set_attributes, *set_control, *get_control;
	EFI_STATUS (EFIAPI *write)(struct serial_io *self, UINTN *size, const void *bytes);
};

static void serial_put(struct serial_io *serial, const char *text)
{
	UINTN run, two;

	for (; *text; text += run) {
		for (run = 0; text[run] && text[run] != '\n'; run++)
			;
		if (run) {
			UINTN written = run;

			serial->write(serial, &written, text);
			continue;
		}
		two = 2;
		serial->write(serial, &two, "\r\n");
		run = 1;
	}
}

void stage_put(struct stage *stage, const char *text)
{
	uint16_t line[LINE_UNITS];

	if (stage->to_text && stage->table->ConOut) {
		ucs2_from_utf8(text, line, LINE_UNITS);
		stage->table->ConOut->OutputString(stage->table->ConOut, line);
	}
	if (stage->serial)
		serial_put(stage->serial, text);
}

/* Is one of the firmware's own consoles a serial port?  Then its text reaches the line already. */
static bool text_is_on_serial(struct stage *stage)
{
	uint8_t paths[DEVICE_PATH_MAX];
	UINTN size = sizeof(paths);

	if (EFI_ERROR(stage->rt->GetVariable(con_out_name, &global_variable_guid, NULL, &size,
					     paths)))
		return false;
	return device_path_has_uart(paths, size);
}

void stage_console(struct stage *stage, struct om_str kind)
{
	bool serial = om_str_is(kind, "serial") || om_str_is(kind, "both");
	void *found = NULL;

	if (serial && EFI_ERROR(stage->bs->LocateProtocol(&serial_guid, NULL, &found)))
		found = NULL;
	if (serial && !found)
		stage_log(stage, LEVEL_WARNING, "console: no serial port known to the firmware");
	/* Both would say everything twice where the firmware's text goes to the line as well. */
	stage->serial = om_str_is(kind, "both") && text_is_on_serial(stage) ? NULL : found;
	stage->to_text = !found || !om_str_is(kind, "serial");
}

void stage_console_mode(struct stage *stage)
{
	SIMPLE_TEXT_OUTPUT_INTERFACE *out = stage->table->ConOut;
	char text[8], *at;
	EFI_STATUS status = EFI_UNSUPPORTED;
	UINTN mode = 0;

	if (!stage->to_text || !out || !out->Mode ||
	    !loader_value_read(stage, u"LoaderConfigConsoleMode", false, text, sizeof(text)))
		return;
	for (at = text; *at >= '0' && *at <= '9'; at++)
		mode = mode * 10 + (UINTN)(*at - '0');
	/* To set the one that is would clear the screen. */
	if (*at == '\0' && (INTN)mode < out->Mode->MaxMode)
		status = (INTN)mode == out->Mode->Mode ? EFI_SUCCESS : out->SetMode(out, mode);
	stage_log(stage, EFI_ERROR(status) ? LEVEL_WARNING : LEVEL_INFO, "%sconsole: the system's mode %u: %s",
		  EFI_ERROR(status) ? "warning: " : "", (unsigned)mode, stage_efi_text(status));
}

uint64_t stage_ticks_usec(const struct stage *stage, uint64_t ticks)
{
	uint64_t per_sec = stage->tsc_hz;

	if (!per_sec)
		return 0;
	return ticks / per_sec * 1000000 + ticks % per_sec * 1000000 / per_sec;
}

uint64_t stage_usec(const struct stage *stage)
{
	return stage_ticks_usec(stage, stage_rdtsc() - stage->tsc_entry);
}

static void log_text(struct stage *stage, const char *text)
{
	char line[OM_LOG_LINE_MAX];
	size_t len = om_log_line(line, sizeof(line) - 1, stage_usec(stage), text);

	if (len > sizeof(line) - 2)
		len = sizeof(line) - 2;
	line[len] = '\n';
	line[len + 1] = '\0';
	stage_put(stage, line);
	stage->tsc_said = stage_rdtsc();
}

void stage_log(struct stage *stage, enum stage_level level, const char *format, ...)
{
	char text[OM_LOG_LINE_MAX];
	va_list args;

	if (level > stage->log_level)
		return;
	va_start(args, format);
	om_vformat(text, sizeof(text), format, args);
	va_end(args);
	log_text(stage, text);
}

enum om_status stage_fail(struct stage *stage, enum om_status status, const char *format, ...)
{
	char line[STAGE_MESSAGE_MAX + 16];
	va_list args;

	va_start(args, format);
	om_vformat(stage->message, sizeof(stage->message), format, args);
	va_end(args);
	om_format(line, sizeof(line), "error: %s", stage->message);
	log_text(stage, line);
	return status;
}

void stage_progress(struct stage *stage, const char *what, uint64_t done, uint64_t total)
{
	uint64_t now = stage_rdtsc();

	if (now - stage->tsc_said < stage->tsc_hz / (1000000 / PROGRESS_USEC))
		return;
	stage_log(stage, LEVEL_INFO, "progress: %s: %llu of %llu KiB", what,
		  (unsigned long long)(done >> 10), (unsigned long long)(total >> 10));
}

/* Esc, or what stands behind it: a terminal sends all of a sequence at once. */
static enum menu_key after_escape(struct stage *stage)
{
	SIMPLE_INPUT_INTERFACE *in = stage->in;
	char text[MENU_SEQUENCE_MAX] = "";
	unsigned used = 0, tries = 0;
	EFI_INPUT_KEY key;

	while (used < MENU_SEQUENCE_MAX - 1 && tries < ESCAPE_TRIES && !menu_sequence_ends(text)) {
		if (EFI_ERROR(in->ReadKeyStroke(in, &key))) {
			stage->bs->Stall(ESCAPE_USEC);
			tries++;
			continue;
		}
		text[used++] = key.UnicodeChar < 0x7f ? (char)key.UnicodeChar : '?';
		text[used] = '\0';
	}
	return menu_key_from_sequence(text);
}

static enum menu_key translate(struct stage *stage, EFI_INPUT_KEY key)
{
	enum menu_key meaning = menu_key_from_efi(key.ScanCode, key.UnicodeChar);

	return meaning == MENU_KEY_ESCAPE ? after_escape(stage) : meaning;
}

enum menu_key stage_key(struct stage *stage, uint32_t wait_ms)
{
	SIMPLE_INPUT_INTERFACE *in = stage->in;
	EFI_EVENT events[2];
	EFI_INPUT_KEY key;
	UINTN index;

	if (!in)
		return MENU_KEY_NONE;
	if (!EFI_ERROR(in->ReadKeyStroke(in, &key)))
		return translate(stage, key);
	if (wait_ms == 0)
		return MENU_KEY_NONE;
	events[0] = in->WaitForKey;
	if (EFI_ERROR(stage->bs->CreateEvent(EVT_TIMER, TPL_APPLICATION, NULL, NULL, &events[1]))) {
		stage->bs->Stall(wait_ms * 1000);
	} else {
		stage->bs->SetTimer(events[1], TimerRelative, (UINT64)wait_ms * 10000);
		stage->bs->WaitForEvent(2, events, &index);
		stage->bs->CloseEvent(events[1]);
	}
	if (EFI_ERROR(in->ReadKeyStroke(in, &key)))
		return MENU_KEY_NONE;
	return translate(stage, key);
}
