/* SPDX-License-Identifier: MIT */
/* The record that /init left when it found no root (overmount/failure.h): shown once. */
#include "stage.h"

static CHAR16 record_name[] = u"OvermountFailure";

void stage_last_start(struct stage *stage)
{
	struct om_failure *failure = &stage->failure;
	UINTN size = sizeof(stage->failure_bytes);
	EFI_STATUS status;
	uint32_t i;

	status = stage->rt->GetVariable(record_name, &variables_guid, NULL, &size,
					stage->failure_bytes);
	if (status == EFI_NOT_FOUND)
		return;
	/* Whatever it is, it is ours to delete: what could be shown was shown. */
	stage->rt->SetVariable(record_name, &variables_guid, 0, 0, NULL);
	if (EFI_ERROR(status) || !om_failure_read(stage->failure_bytes, size, failure)) {
		failure->count = 0;
		stage_log(stage, LEVEL_WARNING, "warning: last start: its record cannot be read");
		return;
	}
	stage_log(stage, LEVEL_WARNING, "last start: %.*s found no root", (int)failure->entry.len,
		  failure->entry.ptr);
	for (i = 0; i < failure->count; i++)
		stage_log(stage, LEVEL_WARNING, "last start: %.*s", (int)failure->lines[i].len,
			  failure->lines[i].ptr);
}
