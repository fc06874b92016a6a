dnl SPDX-License-Identifier: MIT
dnl The macros that configure.ac is written with.

dnl LLMFO_PKG(VAR, MODULE, DEBIAN-PACKAGE, [OTHER-MODULE])
dnl Sets VAR_CFLAGS and VAR_LIBS. What is missing is noted for LLMFO_PKG_REPORT.
AC_DEFUN([LLMFO_PKG], [
	PKG_CHECK_MODULES([$1], [$2], [], [m4_ifblank([$4], [LLMFO_PKG_NOTE([$2], [$3])],
		[PKG_CHECK_MODULES([$1], [$4], [], [LLMFO_PKG_NOTE([$2 or $4], [$3])])])])
])

AC_DEFUN([LLMFO_PKG_NOTE], [
	AS_VAR_APPEND([llmfo_missing], ["
    $1: Debian package $2"])
])

dnl LLMFO_PKG_REPORT
dnl Ends configure if a library was missing, naming each.
AC_DEFUN([LLMFO_PKG_REPORT], [
	AS_IF([test -n "$llmfo_missing"],
		[AC_MSG_ERROR([these libraries are missing or too old:$llmfo_missing
'tools/install-deps' installs all of them on Debian and Ubuntu.])])
])

dnl LLMFO_WITH_DIR(NAME, WHAT, DIRECTORY-UNDER-PREFIX)
AC_DEFUN([LLMFO_WITH_DIR], [
	AC_ARG_WITH([$1], [AS_HELP_STRING([--with-$1=DIR],
		[directory for $2 @<:@PREFIX/$3@:>@])],
		[AS_CASE([$with_$1], [yes|no|''], [AC_MSG_ERROR([--with-$1 needs a directory])])],
		[with_$1='${prefix}/$3'])
	AC_SUBST([$1], [$with_$1])
])

dnl LLMFO_CHECK_CFLAGS(VAR, FLAGS)
dnl Appends to VAR those FLAGS that the compiler takes without a warning.
AC_DEFUN([LLMFO_CHECK_CFLAGS], [
	llmfo_save=$CFLAGS
	for llmfo_flag in m4_normalize([$2]); do
		AC_MSG_CHECKING([whether $CC takes $llmfo_flag])
		CFLAGS="$llmfo_save -Werror $llmfo_flag"
		AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
			[AC_MSG_RESULT([yes])
			AS_VAR_APPEND([$1], [" $llmfo_flag"])],
			[AC_MSG_RESULT([no])])
	done
	CFLAGS=$llmfo_save
])

dnl LLMFO_CHECK_LDFLAGS(VAR, QUOTED-FLAGS)
AC_DEFUN([LLMFO_CHECK_LDFLAGS], [
	llmfo_save=$LDFLAGS
	for llmfo_flag in m4_normalize([$2]); do
		AC_MSG_CHECKING([whether the linker takes $llmfo_flag])
		LDFLAGS="$llmfo_save $llmfo_flag"
		AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
			[AC_MSG_RESULT([yes])
			AS_VAR_APPEND([$1], [" $llmfo_flag"])],
			[AC_MSG_RESULT([no])])
	done
	LDFLAGS=$llmfo_save
])

dnl LLMFO_NEED_FLAG(FLAG, OPTION)
AC_DEFUN([LLMFO_NEED_FLAG], [
	llmfo_save=$CFLAGS
	AC_MSG_CHECKING([whether $CC can build with $1])
	CFLAGS="$CFLAGS $1"
	AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])], [AC_MSG_RESULT([yes])],
		[AC_MSG_RESULT([no])
		AC_MSG_ERROR([$CC cannot build with $1, which $2 needs])])
	CFLAGS=$llmfo_save
])
