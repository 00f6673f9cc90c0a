/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pieces of the text report. Inside the room: text.c sets the page,
 * table.c its tables.
 */
#ifndef ET_REPORT_TEXT_H
#define ET_REPORT_TEXT_H

#include "report/report.h"

#define ET_TEXT_NUMBER_BYTES 32
#define ET_TEXT_LISTED 20u /* rows of lost events; beyond it they are summed up by device */

/* With commas: "2,442". */
const char *et_text_number(uint64_t number, char text[ET_TEXT_NUMBER_BYTES]);
bool et_text_is_lost(const struct et_report_finding *finding);
bool et_text_is_recoverable(const struct et_report_finding *finding);

/* Lost events, those first that can still be recovered; nothing when there are none. */
void et_text_lost_table(const struct et_report *report, FILE *out, unsigned width);
/* How many were lost per device, when there are too many to be listed. */
void et_text_device_table(const struct et_report *report, FILE *out, unsigned width);
/* Findings that are no lost events. */
void et_text_other_table(const struct et_report *report, FILE *out, unsigned width);

#endif
