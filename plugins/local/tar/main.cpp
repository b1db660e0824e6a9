// berth-tar: unpacks a template's tar file, and packs a template's directory for an ordinary user to unpack.
//
//   berth-tar unpack           descriptor 3 is the tar file, 4 the empty target; says "entries bytes" on stdout
//   berth-tar pack UID RANGE   descriptor 4 is the directory, 3 takes the tar stream. Owners from RANGE on are counted
//                              from there, and UID, the user's own, is 0, as the ids of a template's sandbox are
//
// A program of its own, because loading libarchive would cost every other command of Berth some milliseconds, and because
// what it reads is hostile: `berth-root unpack` starts it in namespaces of its own, and here it gives up everything
// else before it looks at the first byte.
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

#include "common/tree_archive.hpp"

#ifdef BERTH_SANITIZED
// LeakSanitizer reads /proc at the end, and where this program works there is none.
extern "C" const char* __asan_default_options() {
    return "detect_leaks=0";
}
#endif

namespace {

constexpr int archive = 3;
constexpr int directory = 4;
constexpr int misuse = 2;
[[maybe_unused]] constexpr rlim_t most_memory = 2ULL << 30;
constexpr std::int64_t ids_of_a_sandbox = 65'536;

[[noreturn]] void fail_with_errno(const char* what) {
    throw std::runtime_error(std::string(what) + ": " + std::generic_category().message(errno));
}

// To own, enter and change whatever it unpacks; as this process' root directory is the target, nothing else is there.
void keep_only_what_unpacking_needs() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct sets[2] = {};
    sets[0].permitted = 1U << CAP_CHOWN | 1U << CAP_DAC_OVERRIDE | 1U << CAP_FOWNER | 1U << CAP_FSETID;
    sets[0].effective = sets[0].permitted;
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::syscall(SYS_capset, &header, sets) != 0) {
        fail_with_errno("cannot give up privileges");
    }
#ifndef BERTH_SANITIZED  // a sanitizer takes terabytes of addresses
    const rlimit memory{most_memory, most_memory};
    ::setrlimit(RLIMIT_AS, &memory);
#endif
}

void unpack() {
    if (::fchdir(directory) != 0 || ::chroot(".") != 0 || ::close(directory) != 0) {
        fail_with_errno("cannot enter the target");
    }
    keep_only_what_unpacking_needs();
    berth_common::unpack_tree(archive, {}, [](const berth_common::UnpackProgress& done) {
        std::printf("%llu %llu\n", static_cast<unsigned long long>(done.entries),
                    static_cast<unsigned long long>(done.bytes));
        std::fflush(stdout);
    });
}

void pack(std::int64_t user, std::int64_t range) {
    if (::fchdir(directory) != 0) {
        fail_with_errno("cannot enter the directory");
    }
    berth_common::pack_tree(archive, [&](std::int64_t owner) {
        if (owner >= range && owner < range + ids_of_a_sandbox) {
            return owner - range;
        }
        return owner == user || owner >= ids_of_a_sandbox ? 0 : owner;
    });
}

}  // namespace

int main(int count, char** arguments) {
    const std::string_view what = count > 1 ? arguments[1] : "";
    // Names are bytes to us, but libarchive reads those of tar files as text.
    std::setlocale(LC_ALL, "C.UTF-8");  // NOLINT(concurrency-mt-unsafe): this program has one thread
    try {
        if (what == "unpack" && count == 2) {
            unpack();
        } else if (what == "pack" && count == 4) {
            pack(std::atoll(arguments[2]), std::atoll(arguments[3]));
        } else {
            return misuse;
        }
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
