#include "reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/file_descriptor.hpp"
#include "base/text.hpp"
#include "configuration_reader.hpp"
#include "diagnostics.hpp"
#include "problems.hpp"
#include "yaml_document.hpp"

namespace berth::inline host_v1 {

namespace {

namespace diagnostics = config_diagnostics;

constexpr std::string_view file_name = "berth/berth.yaml";

/// Whether something is there. A folder that may not be entered counts as empty: `su` often leaves $HOME as it was.
bool is_there(const std::filesystem::path& file) {
    std::error_code error;
    const auto status = std::filesystem::symlink_status(file, error);
    return !error && std::filesystem::exists(status);
}

std::filesystem::path absolute_path(const std::filesystem::path& file) {
    std::error_code error;
    auto path = std::filesystem::absolute(file, error);
    return error ? file : path.lexically_normal();
}

/// Owner and mode of an open file; the file may be a link, what counts is what it leads to.
bool is_trusted(int descriptor, Problems& problems) {
    struct stat status {};
    if (::fstat(descriptor, &status) != 0) {
        problems.add(diagnostics::unreadable_file, Place{}, "cannot be read: " + system_message(errno), "");
        return false;
    }
    if (!S_ISREG(status.st_mode)) {
        problems.add(diagnostics::unreadable_file, Place{}, "this is not a regular file", "name a file");
        return false;
    }
    if (status.st_uid != 0 && status.st_uid != ::geteuid()) {
        problems.add(diagnostics::untrusted_file, Place{},
                     "the file belongs to user " + std::to_string(status.st_uid) +
                         ", expected root or the user who runs Berth: it can name plugins, so it is code",
                     "change its owner, or use a copy of your own");
        return false;
    }
    if ((status.st_mode & S_IWOTH) != 0) {
        problems.add(diagnostics::untrusted_file, Place{},
                     "everybody may write to the file: it can name plugins, so it is code", "run chmod o-w on it");
        return false;
    }
    return true;
}

/// The bytes, one more than allowed at most: parse_yaml() says that it is too much.
std::optional<std::string> read_bytes(const std::filesystem::path& file, Problems& problems) {
    const auto failed = [&problems](int number) {
        problems.add(diagnostics::unreadable_file, Place{}, "cannot be read: " + system_message(number),
                     "check the path and who may read it");
        return std::nullopt;
    };
    // Non-blocking: the open of a pipe without a writer would wait for ever.
    const FileDescriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!descriptor) return failed(errno);
    if (!is_trusted(descriptor.get(), problems)) return std::nullopt;
    std::string bytes;
    std::array<char, 16384> buffer{};
    while (bytes.size() <= yaml_max_bytes) {
        const auto count = ::read(descriptor.get(), buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return failed(errno);
        if (count == 0) break;
        bytes.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return bytes;
}

ReadConfiguration read_into(std::string_view text, const std::filesystem::path& file,
                            const EnvironmentVariables& environment, Problems& problems) {
    ReadConfiguration result;
    if (const auto root = parse_yaml(text, problems)) {
        result.configuration = interpret(*root, file, environment, problems);
    } else {
        result.configuration.file = file;
    }
    result.problems = problems.sorted();
    return result;
}

/// One error that carries all: the first, with the rest in its details.
Error whole_error(const std::vector<Error>& problems) {
    const Error& first = problems.front();
    auto fields = first.fields();
    for (std::size_t index = 1; index < problems.size(); ++index)
        fields.details.emplace_back("problem", problems[index].what());
    if (const auto more = problems.size() - 1; more != 0) {
        if (!fields.hint.empty()) fields.hint += "; ";
        fields.hint += std::to_string(more) + (more == 1 ? " more problem is" : " more problems are") +
                       " shown by berth config check";
    }
    return Error(Diagnostic{first.diagnostic(), first.code()}, std::move(fields));
}

}  // namespace

std::optional<std::filesystem::path> find_configuration(const std::optional<std::filesystem::path>& named,
                                                        const EnvironmentVariables& environment,
                                                        const std::filesystem::path& system_directory) {
    if (named) return absolute_path(*named);
    if (const auto variable = environment.get_filled("BERTH_CONFIG")) return absolute_path(*variable);
    const auto xdg = environment.get_filled("XDG_CONFIG_HOME");
    const auto home = environment.get_filled("HOME");
    std::filesystem::path personal;
    // The XDG rules have a relative path count as none.
    if (xdg && xdg->front() == '/') {
        personal = *xdg;
    } else if (home && home->front() == '/') {
        personal = std::filesystem::path(*home) / ".config";
    }
    if (!personal.empty() && is_there(personal / file_name)) return personal / file_name;
    if (is_there(system_directory / file_name)) return system_directory / file_name;
    return std::nullopt;
}

ReadConfiguration read_configuration(const std::filesystem::path& file, const EnvironmentVariables& environment) {
    const auto path = absolute_path(file);
    Problems problems(path.string());
    if (const auto bytes = read_bytes(path, problems)) return read_into(*bytes, path, environment, problems);
    ReadConfiguration result;
    result.configuration.file = path;
    result.problems = problems.sorted();
    return result;
}

ReadConfiguration read_configuration_text(std::string_view text, const std::filesystem::path& file,
                                          const EnvironmentVariables& environment) {
    Problems problems(file.string());
    return read_into(text, file, environment, problems);
}

Configuration load_configuration(const std::optional<std::filesystem::path>& named,
                                 const EnvironmentVariables& environment,
                                 const std::filesystem::path& system_directory) {
    const auto file = find_configuration(named, environment, system_directory);
    if (!file) return built_in_configuration();
    auto result = read_configuration(*file, environment);
    if (!result.problems.empty()) throw whole_error(result.problems);
    return std::move(result.configuration);
}

}  // namespace berth::inline host_v1
