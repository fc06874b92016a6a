/* SPDX-License-Identifier: MIT */
/*
 * The scripted provider.
 */

int
main(void)
{
	return 0;
}
