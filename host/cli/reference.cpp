#include "reference.hpp"

#include <algorithm>

#include "../base/error.hpp"
#include "../base/text.hpp"
#include "diagnostics.hpp"

namespace berth::inline host_v1::cli {

namespace {

bool is_id(std::string_view text) {
    const auto fits = [](char byte) {
        return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
               byte == '.' || byte == '_' || byte == '-';
    };
    return !text.empty() && text.size() <= 128 && std::all_of(text.begin(), text.end(), fits);
}

std::optional<Reference> reference_in(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const auto provider = text.substr(0, slash);
    const auto id = text.substr(slash + 1);
    if (!is_name(provider) || !is_id(id)) return std::nullopt;
    return Reference{std::string(provider), std::string(id)};
}

std::string_view without_end_slashes(std::string_view path) {
    while (!path.empty() && path.back() == '/')
        path.remove_suffix(1);
    return path;
}

}  // namespace

Reference parse_reference(std::string_view text, std::string_view what) {
    if (auto reference = reference_in(text)) return *reference;
    throw Error(cli_diagnostics::wrong_reference, quoted(text) + " is no name of a " + std::string(what),
                "expected provider/id, as `berth " + std::string(what == "snapshot" ? "snapshot " : "") +
                    "ls -o name` prints it");
}

CopySide parse_copy_side(std::string_view text) {
    const auto colon = text.find(':');
    if (colon != std::string_view::npos) {
        if (auto reference = reference_in(text.substr(0, colon))) {
            const auto path = text.substr(colon + 1);
            if (path.empty()) {
                throw Error(cli_diagnostics::wrong_reference, quoted(text) + " names no path in the sandbox",
                            "write provider/id:/path, or provider/id:. for its working directory");
            }
            return {std::move(reference), std::string(path)};
        }
    }
    if (text.empty()) {
        throw Error(cli_diagnostics::wrong_reference, "a path to copy is empty", "usage: berth cp SRC DST");
    }
    return {std::nullopt, std::string(text)};
}

std::string_view last_name(std::string_view path) {
    path = without_end_slashes(path);
    const auto slash = path.rfind('/');
    const auto name = slash == std::string_view::npos ? path : path.substr(slash + 1);
    return name == "." || name == ".." ? std::string_view() : name;
}

std::string join_target(std::string_view target, std::string_view name) {
    const auto base = without_end_slashes(target);
    if (name.empty()) return base.empty() ? std::string("/") : std::string(base);
    return std::string(base) + "/" + std::string(name);
}

}  // namespace berth::inline host_v1::cli
