/* SPDX-License-Identifier: Apache-2.0 */
#include "command/verbs.h"

int
main(int argc, char **argv)
{
	return et_command_main(argc, argv);
}
