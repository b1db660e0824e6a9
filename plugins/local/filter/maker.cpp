// Writes the sandboxes' system call filter as a C++ list of bytes, when Berth is built: `berth-filter-maker
// off|allowed FILE`. So nobody waits for libseccomp, or needs it, when a sandbox starts.
#include <linux/filter.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "rules.hpp"

namespace {

namespace filter = berth_local::filter;

struct Release {
    void operator()(void* context) const { seccomp_release(context); }
};
using Context = std::unique_ptr<void, Release>;

void must(int result, const std::string& what) {
    if (result < 0) {
        throw std::system_error(-result, std::generic_category(), what);
    }
}

scmp_arg_cmp comparison(const filter::Condition& condition) {
    constexpr std::uint64_t low = 0xFFFFFFFF;
    switch (condition.compare) {
        case filter::Condition::Compare::bits_set:
            return {condition.argument, SCMP_CMP_MASKED_EQ, condition.value, condition.value};
        case filter::Condition::Compare::above:
            return {condition.argument, SCMP_CMP_GT, condition.value, 0};
        case filter::Condition::Compare::equal:
            break;
    }
    return {condition.argument, SCMP_CMP_MASKED_EQ, low, condition.value};
}

// Absent: this machine never had that call.
int number_of(const filter::Call& call) {
    const int number = seccomp_syscall_resolve_name(call.name);
    if (number != __NR_SCMP_ERROR) {
        return number;
    }
    if (call.number < 0) {
        throw std::runtime_error(std::string("libseccomp knows no call ") + call.name);
    }
    return call.number;
}

void add(const Context& context, const filter::Call& call) {
    const int number = number_of(call);
    if (number < 0) {
        return;
    }
    const auto action = SCMP_ACT_ERRNO(static_cast<unsigned>(call.answer));
    if (call.when) {
        const scmp_arg_cmp when = comparison(*call.when);
        must(seccomp_rule_add_exact_array(context.get(), action, number, 1, &when), call.name);
    } else {
        must(seccomp_rule_add_exact_array(context.get(), action, number, 0, nullptr), call.name);
    }
}

std::vector<sock_filter> exported(const Context& context) {
    const int file = ::memfd_create("filter", MFD_CLOEXEC);
    must(seccomp_export_bpf(context.get(), file), "export");
    const off_t size = ::lseek(file, 0, SEEK_CUR);
    std::vector<sock_filter> program(static_cast<std::size_t>(size) / sizeof(sock_filter));
    if (size <= 0 || ::pread(file, program.data(), static_cast<std::size_t>(size), 0) != size) {
        throw std::runtime_error("cannot read the filter back");
    }
    ::close(file);
    return program;
}

std::vector<sock_filter> make(bool user_namespaces) {
    const Context context(seccomp_init(SCMP_ACT_ALLOW));
    // A program for another architecture has other numbers: none of what stands here would hold for it.
    must(seccomp_attr_set(context.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS), "bad architecture");
    must(seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2), "optimize");
    for (const filter::Group& group : filter::groups()) {
        if (group.applies == filter::Group::Applies::always || !user_namespaces) {
            for (const filter::Call& call : group.calls) {
                add(context, call);
            }
        }
    }
    // What libseccomp cannot say: every number above. It also answers the x32 calls, whose numbers are huge.
    std::vector<sock_filter> program{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, filter::highest_known, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
    };
    const std::vector<sock_filter> rest = exported(context);
    program.insert(program.end(), rest.begin(), rest.end());
    return program;
}

}  // namespace

int main(int count, char** arguments) try {
    if (count != 3) {
        std::cerr << "usage: berth-filter-maker off|allowed FILE\n";
        return 2;
    }
    std::ofstream to(arguments[2]);
    for (const sock_filter& instruction : make(std::string_view(arguments[1]) == "allowed")) {
        to << '{' << instruction.code << ", " << unsigned{instruction.jt} << ", " << unsigned{instruction.jf} << ", "
           << instruction.k << "},\n";
    }
    to.close();
    return to ? 0 : 1;
} catch (const std::exception& error) {
    std::cerr << "berth-filter-maker: " << error.what() << '\n';
    return 1;
}
