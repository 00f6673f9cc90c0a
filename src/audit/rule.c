// SPDX-License-Identifier: Apache-2.0
#include "audit/rule.h"

#define RULE_1 "Rule 1: before_horizon"
#define RULE_2 "Rule 2: in_flight"
#define RULE_3 "Rule 3: unverifiable_gap"
#define RULE_4 "Rule 4: undecided, malformed message"
#define RULE_5 "Rule 5: undecided, second life"
#define RULE_6 "Rule 6: forced commands"
#define RULE_7 "Rule 7: lost"

static const struct et_rule_info rules[ET_RULE_COUNT] = {
	[ET_RULE_NONE] = { "none", "What must be on the stream",
			   "the store does not say that this version was ever saved, and no "
			   "message has it" },
	[ET_RULE_HEAD] = { "head", RULE_1,
			   "no lower version is archived, and nothing proves that this one was "
			   "published after the archives begin" },
	[ET_RULE_ABSURD_TIME] = { "absurd_time", RULE_2,
				  "the store claims a time far behind the end of the archives, "
				  "which no clock can have said: nothing follows from it" },
	[ET_RULE_YOUNG] = { "young", RULE_2,
			    "it was saved within --settle of the end of the archives: it may "
			    "still be on its way" },
	[ET_RULE_ALL_IN_HOLES] = { "all_in_holes", RULE_3,
				   "holes of the archives lie where it belongs, and may have held "
				   "all that is missing there" },
	[ET_RULE_SOME_IN_HOLES] = { "some_in_holes", RULE_3,
				    "holes of the archives lie where it belongs, and are too small "
				    "for all that is missing there: some of it is lost, nobody "
				    "knows which" },
	[ET_RULE_MALFORMED] = { "malformed", RULE_4,
				"a message of the device that cannot be read lies where it "
				"belongs: that may be it" },
	[ET_RULE_STORE_ELSEWHERE] = { "store_elsewhere", RULE_5,
				      "the store is in another life of the device, or on another "
				      "branch, than the newest one that the stream has shown" },
	[ET_RULE_LIFE_BEGINS] = { "life_begins", RULE_5,
				  "the first version of this life goes on where the life before "
				  "ended: which of the two it is part of cannot be told" },
	[ET_RULE_STORE_WENT_BACK] = { "store_went_back", RULE_5,
				      "the store went back at that time (or the signs of a new "
				      "life "
				      "disagree): it may have been taken back" },
	[ET_RULE_NO_COMMAND] = { "no_command", RULE_6,
				 "what the store has of it shows that it is no command which the "
				 "hub keeps back" },
	[ET_RULE_COMMAND_LINKED] = { "command_linked", RULE_6,
				     "it is a command, and the hub publishes those of resources "
				     "that "
				     "are linked, as this one was" },
	[ET_RULE_COMMAND_NOT_LINKED] = { "command_not_linked", RULE_6,
					 "it is a command for a resource that was not linked then: "
					 "the hub keeps those back" },
	[ET_RULE_COMMAND_LINKS_UNKNOWN] = { "command_links_unknown", RULE_6,
					    "it is a command, and whether the resource was linked "
					    "then is not known" },
	[ET_RULE_LINKED] = { "linked", RULE_6,
			     "the resource was linked at that time: the hub publishes whatever is "
			     "saved of it" },
	[ET_RULE_LIKELY_LINKED] = { "likely_linked", RULE_6,
				    "the resource was linked at that time, as far as is known: "
				    "only a command whose answer is on the stream may have been "
				    "kept back" },
	[ET_RULE_LINKED_FOR_A_PART] = { "linked_for_a_part", RULE_6,
					"the resource was linked for a part of that time: only a "
					"command whose answer is on the stream may have been kept "
					"back" },
	[ET_RULE_NOT_LINKED] = { "not_linked", RULE_6,
				 "the resource was not linked at that time: a command is kept back "
				 "then, and its answer on the stream would prove it" },
	[ET_RULE_LINKS_UNKNOWN] = { "links_unknown", RULE_6,
				    "whether the resource was linked at that time is not known: it "
				    "may be a command that the hub kept back" },
	[ET_RULE_MISSING] = { "missing", RULE_7, "no other rule explains that it is missing" },
	[ET_RULE_SERVICE] = { "service", "What must be on the stream",
			      "service metadata is never published" },
	[ET_RULE_ON_BOTH] = { "on_both", "What is on it",
			      "it is on the stream, and still in the store" },
	[ET_RULE_TRUNCATED] = { "truncated", "What is on it",
				"it is on the stream; the store keeps only the newest events" },
	[ET_RULE_AHEAD] = { "ahead", "What the store does not have",
			    "it is on the stream, and above what the store shows: the store may be "
			    "read too early, or have lost it, which a later audit can tell" },
	[ET_RULE_STORE_LOST] = { "store_lost", "What the store does not have",
				 "it is on the stream, and two audits, --settle apart, saw that "
				 "the "
				 "store does not have it" },
	[ET_RULE_FORKED] = { "forked", "What the store does not have",
			     "the store went back behind it and used its number again" },
	[ET_RULE_DEVICE_GONE] = { "device_gone", "What the store does not have",
				  "it is on the stream, and the device was deleted since" },
	[ET_RULE_OLDER_LIFE] = { "older_life", "What the store does not have",
				 "it is on the stream, of a life of the device that has ended" },
	[ET_RULE_NOT_SHOWN] = { "not_shown", "Sources",
				"the gateway shows nothing of the device: it may be another "
				"owner's, or deleted, and nothing of it is judged" },
};

const struct et_rule_info *
et_rule_info(enum et_rule rule)
{
	return &rules[rule];
}
