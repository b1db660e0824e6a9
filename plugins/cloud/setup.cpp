#include "setup.hpp"

namespace berth_cloud {

void make_directory(SandboxLink& inside, const std::string& path) {
    const ShellAnswer answer = inside.shell({"mkdir", "-p", "--", path});
    if (answer.exit_code != 0)
        throw berth::Error(berth::Code::permission_denied,
                           "the working directory could not be made: " + answer.err.substr(0, 200))
            .path(path)
            .hint("choose one that the sandbox's user may make, such as one below its home");
}

void run_setup(const MakeLink& link, berth::Call& call, const ProcessDefaults& defaults, const berth::Strings& lines,
               const KeepLines& keep) {
    std::uint64_t index = 0;
    for (const std::string_view line : lines)
        run_setup_line(*link(), call, defaults, line, index++, keep);
}

}  // namespace berth_cloud
