/* SPDX-License-Identifier: MIT */
/*
 * Texts of errors. strerror(3) is neither thread-safe nor untranslated, and strerrordesc_np(3) is
 * glibc's alone, so the texts stand here: those of the errors that fend and the calls it makes can
 * return.
 */
#include <fend/error.h>

#include <errno.h>
#include <stddef.h>

#include <fend-internal/public.h>

static const struct {
	int error;
	const char *text;
} texts[] = {
	{ 0, "success" },
	{ EPERM, "operation not permitted" },
	{ ENOENT, "no such file or directory" },
	{ ESRCH, "no such process" },
	{ EINTR, "interrupted by a signal" },
	{ EIO, "input/output error" },
	{ ENXIO, "no such device or address" },
	{ E2BIG, "options of a newer version of fend" },
	{ EBADF, "bad file descriptor" },
	{ ECHILD, "inherited over fork, or no such child" },
	{ EAGAIN, "not now, try again" },
	{ ENOMEM, "out of memory" },
	{ EACCES, "permission denied" },
	{ EFAULT, "bad address" },
	{ EBUSY, "busy" },
	{ EEXIST, "exists already" },
	{ ENODEV, "no such device" },
	{ ENOTDIR, "not a directory" },
	{ EISDIR, "is a directory" },
	{ EINVAL, "invalid argument" },
	{ ENFILE, "too many open files in the system" },
	{ EMFILE, "too many open files" },
	{ EFBIG, "file too large" },
	{ ENOSPC, "no space or watches left" },
	{ EROFS, "read-only file system" },
	{ EPIPE, "broken pipe" },
	{ ERANGE, "result out of range" },
	{ EDEADLK, "deadlock avoided" },
	{ ENAMETOOLONG, "name too long" },
	{ ENOSYS, "not implemented by the kernel" },
	{ ELOOP, "too many levels" },
	{ ENODATA, "no data" },
	{ EPROTO, "protocol error" },
	{ EBADMSG, "cut short or malformed" },
	{ EOVERFLOW, "value too large" },
	{ ENOTSOCK, "not a socket" },
	{ EDESTADDRREQ, "destination address required" },
	{ EMSGSIZE, "message too long" },
	{ EPROTOTYPE, "wrong protocol for this socket" },
	{ ENOPROTOOPT, "no such socket option" },
	{ EPROTONOSUPPORT, "protocol not supported" },
	{ ESOCKTNOSUPPORT, "socket type not supported" },
	{ EOPNOTSUPP, "operation not supported" },
	{ EAFNOSUPPORT, "address family not supported" },
	{ EADDRINUSE, "address in use" },
	{ EADDRNOTAVAIL, "address not available" },
	{ ENETDOWN, "network down" },
	{ ENETUNREACH, "network unreachable" },
	{ ENETRESET, "connection lost on network reset" },
	{ ECONNABORTED, "connection aborted" },
	{ ECONNRESET, "connection reset by peer" },
	{ ENOBUFS, "no buffer space" },
	{ EISCONN, "connected already" },
	{ ENOTCONN, "not connected" },
	{ ESHUTDOWN, "shut down" },
	{ ETIMEDOUT, "timed out" },
	{ ECONNREFUSED, "connection refused" },
	{ EHOSTDOWN, "host down" },
	{ EHOSTUNREACH, "no route to host" },
	{ EALREADY, "in progress already" },
	{ EINPROGRESS, "in progress" },
	{ ECANCELED, "cancelled" },
	{ EKEYEXPIRED, "certificate expired or not yet valid" },
	{ EKEYREVOKED, "certificate revoked" },
	{ EKEYREJECTED, "certificate rejected" },
	{ -FEND_EAI_BADFLAGS, "bad flags in the hints" },
	{ -FEND_EAI_NONAME, "name does not exist" },
	{ -FEND_EAI_AGAIN, "temporary failure in name resolution" },
	{ -FEND_EAI_FAIL, "failure in name resolution" },
	{ -FEND_EAI_NODATA, "name has no address of this family" },
	{ -FEND_EAI_FAMILY, "address family not supported by name resolution" },
	{ -FEND_EAI_SOCKTYPE, "socket type not supported by name resolution" },
	{ -FEND_EAI_SERVICE, "service unknown for this socket type" },
	{ -FEND_EAI_ADDRFAMILY, "address is of another family" },
	{ -FEND_EAI_MEMORY, "out of memory in name resolution" },
	{ -FEND_EAI_SYSTEM, "system error in name resolution" },
	{ -FEND_EAI_OVERFLOW, "name too long for name resolution" },
	{ -FEND_EAI_IDN_ENCODE, "name cannot be encoded for name resolution" },
};

FEND_PUBLIC const char *
fend_strerror(int error)
{
	/* Unsigned, because the least int has no opposite. */
	unsigned number = error < 0 ? 0u - (unsigned)error : (unsigned)error;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if ((unsigned)texts[i].error == number)
			return texts[i].text;
	return "unknown error";
}
