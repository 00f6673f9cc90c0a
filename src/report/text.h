/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pieces of the texts for people. Inside the room: text.c and verdict.c set the report,
 * lost.c and incidents.c its tables, explain_text.c the story of one version, page.c what all
 * of them are made of.
 */
#ifndef ET_REPORT_TEXT_H
#define ET_REPORT_TEXT_H

#include "base/clock.h"
#include "report/report.h"

#define ET_TEXT_NUMBER_BYTES 32
#define ET_TEXT_LISTED 20u /* rows of lost events; beyond it they are summed up by device */

/* With commas: "2,442". */
const char *et_text_number(uint64_t number, char text[ET_TEXT_NUMBER_BYTES]);
/* "2026-11-25T02:57:05Z" */
const char *et_text_time(int64_t time_ns, char text[ET_TIME_TEXT_BYTES]);
/* Seconds with one digit behind the point, as long as that is what one wants to know. */
const char *et_text_duration(int64_t duration_ns, char text[ET_TIME_TEXT_BYTES]);
/* The columns that a page gets; 0: not a terminal. */
unsigned et_text_width(unsigned width);
/* "label     text", the text in printable ASCII and wrapped at blanks into its own column. */
void et_text_put(FILE *out, const char *label, unsigned width, const char *format, ...)
	ET_PRINTF(4, 5);

/* The verdict and a newline; with_standings: how much of it is new and known, unless all is new. */
void et_text_verdict(const struct et_report *report, FILE *out, bool colour, bool with_standings,
		     const char *end);
bool et_text_is_recoverable(const struct et_report_finding *finding);

/* Lost events of these standings (ET_STANDING_BITs), those first that can still be recovered;
 * nothing when there are none. which: "new " or "". */
void et_text_lost_table(const struct et_report *report, FILE *out, unsigned width,
			unsigned standings, const char *which);
/* How many were lost per device, when there are too many to be listed. */
void et_text_device_table(const struct et_report *report, FILE *out, unsigned width);
/* Findings that are no lost events. */
void et_text_other_table(const struct et_report *report, FILE *out, unsigned width,
			 unsigned standings, const char *which);
/* When something broke. */
void et_text_incidents(const struct et_report *report, FILE *out, unsigned width);

#endif
