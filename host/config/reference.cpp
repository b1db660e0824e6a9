#include "reference.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/error.hpp"
#include "base/file_descriptor.hpp"
#include "base/text.hpp"

namespace berth::inline host_v1 {

namespace {

constexpr std::size_t most_file_bytes = std::size_t{64} << 10U;
constexpr std::string_view opening = "${";
constexpr std::string_view escaped_opening = "$${";
constexpr std::string_view variable_scheme = "env:";
constexpr std::string_view file_scheme = "file:";

bool starts_with(std::string_view text, std::string_view start) noexcept {
    return text.substr(0, start.size()) == start;
}

void add_literal(ReferencedText& result, std::string_view text) {
    if (result.parts.empty() || result.parts.back().kind != TextPart::Kind::literal) result.parts.emplace_back();
    result.parts.back().text += text;
}

/// Reads "env:NAME" or "file:PATH".
TextPart reference_of(std::string_view inside, std::string& problem) {
    TextPart part;
    if (starts_with(inside, variable_scheme)) {
        part.kind = TextPart::Kind::variable;
        part.text = inside.substr(variable_scheme.size());
        if (!is_variable_name(part.text)) problem = "the name in ${env:NAME} is not that of an environment variable";
    } else if (starts_with(inside, file_scheme)) {
        part.kind = TextPart::Kind::file;
        part.text = inside.substr(file_scheme.size());
        if (part.text.empty()) problem = "the path in ${file:PATH} is empty";
    } else {
        problem = "${ begins a reference, but neither ${env:NAME} nor ${file:PATH} follows";
    }
    return part;
}

FoundText problem_text(std::string problem) {
    return FoundText{{}, std::move(problem)};
}

}  // namespace

bool ReferencedText::has_reference() const noexcept {
    return std::any_of(parts.begin(), parts.end(),
                       [](const TextPart& part) { return part.kind != TextPart::Kind::literal; });
}

bool ReferencedText::is_one_reference() const noexcept {
    return parts.size() == 1 && parts.front().kind != TextPart::Kind::literal;
}

ReferencedText take_apart(std::string_view text) {
    ReferencedText result;
    while (!text.empty() && result.problem.empty()) {
        if (starts_with(text, escaped_opening)) {
            add_literal(result, opening);
            text.remove_prefix(escaped_opening.size());
        } else if (starts_with(text, opening)) {
            const auto end = text.find('}');
            if (end == std::string_view::npos) {
                result.problem = "a reference begins with ${ but does not end with }";
                break;
            }
            result.parts.push_back(reference_of(text.substr(opening.size(), end - opening.size()), result.problem));
            text.remove_prefix(end + 1);
        } else {
            const auto next = std::min(text.find('$', 1), text.size());
            add_literal(result, text.substr(0, next));
            text.remove_prefix(next);
        }
    }
    return result;
}

FoundText expand_path(std::string_view path, const std::filesystem::path& directory,
                      const EnvironmentVariables& environment) {
    if (path.empty()) return problem_text("a path is empty");
    if (path.front() == '~') {
        if (path.size() > 1 && path[1] != '/') return problem_text("only ~/ is expanded, not the home of a named user");
        const auto home = environment.get_filled("HOME");
        if (!home || home->front() != '/') return problem_text("the path starts with ~ but $HOME is not set");
        path.remove_prefix(std::min<std::size_t>(2, path.size()));
        return FoundText{(std::filesystem::path(*home) / path).lexically_normal().string(), {}};
    }
    return FoundText{(directory / path).lexically_normal().string(), {}};
}

FoundText read_reference_file(const std::filesystem::path& path) {
    const auto failed = [&path](int number) {
        return problem_text("cannot read the file " + berth::quoted(path.string()) + ": " + system_message(number));
    };
    // Non-blocking: the open of a pipe without a writer would wait for ever.
    const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!file) return failed(errno);
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return failed(errno);
    if (!S_ISREG(status.st_mode)) return problem_text(berth::quoted(path.string()) + " is not a regular file");

    FoundText found;
    std::array<char, 4096> buffer{};
    for (;;) {
        const auto count = ::read(file.get(), buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return failed(errno);
        if (count == 0) break;
        found.text.append(buffer.data(), static_cast<std::size_t>(count));
        if (found.text.size() > most_file_bytes) {
            return problem_text("the file " + berth::quoted(path.string()) + " has more than 64 KiB");
        }
    }
    if (!found.text.empty() && found.text.back() == '\n') found.text.pop_back();
    return found;
}

FoundText read_variable(const std::string& name, const EnvironmentVariables& environment) {
    auto value = environment.get(name);
    if (!value) return problem_text("the environment variable " + name + " is not set");
    return FoundText{*std::move(value), {}};
}

}  // namespace berth::inline host_v1
