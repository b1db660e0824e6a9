#include "call_filter.hpp"

#include <fcntl.h>
#include <linux/filter.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <span>

#include "failure.hpp"

namespace berth_local {
namespace {

// Made by filter/maker.cpp.
constexpr sock_filter off[] = {
#include "call_filter_off.inc"
};
constexpr sock_filter allowed[] = {
#include "call_filter_allowed.inc"
};

}  // namespace

Descriptor open_call_filter(UserNamespaces inside) {
    const std::span<const sock_filter> program =
        inside == UserNamespaces::off ? std::span<const sock_filter>(off) : std::span<const sock_filter>(allowed);
    Descriptor file(::memfd_create("berth-call-filter", MFD_CLOEXEC));
    if (!file ||
        ::write(file.get(), program.data(), program.size_bytes()) != static_cast<ssize_t>(program.size_bytes()) ||
        ::lseek(file.get(), 0, SEEK_SET) != 0) {
        throw system_failure("cannot hand over the system call filter", errno);
    }
    return file;
}

}  // namespace berth_local
