// Files one by one: listed, described, made, moved, removed, downloaded. Each is done by a program inside the sandbox, as
// its account, so that paths and rights are the sandbox's own.
#include <algorithm>
#include <charconv>

#include "file_rules.hpp"
#include "shapes.hpp"

namespace standin::daytona {

namespace {

constexpr const char* described = R"('%f\0%s\0%y\0%M\0%m\0%U\0%G\0%T@\0%p\0')";

std::vector<std::string> texts_of(const std::string& output) {
    std::vector<std::string> texts;
    for (std::size_t at = 0; at < output.size();) {
        const auto end = output.find('\0', at);
        texts.push_back(output.substr(at, end - at));
        at = end == std::string::npos ? output.size() : end + 1;
    }
    return texts;
}

Json info_of(const std::vector<std::string>& texts, std::size_t at) {
    const auto milliseconds = static_cast<Milliseconds>(std::stod(texts[at + 7]) * 1000);
    auto octal = texts[at + 4];
    octal.insert(0, 4 - std::min<std::size_t>(4, octal.size()), '0');
    return {{"name", texts[at]},
            {"size", std::stoll(texts[at + 1])},
            {"isDir", texts[at + 2] == "d"},
            {"mode", texts[at + 3]},
            {"permissions", octal},
            {"owner", texts[at + 5]},
            {"group", texts[at + 6]},
            {"modifiedAt", time_text(milliseconds)},
            {"modTime", "some time in Go's own words"},
            {"path", texts[at + 8]}};
}

Json infos_of(const std::string& output) {
    constexpr std::size_t texts_each = 9;
    const auto texts = texts_of(output);
    auto all = Json::array();
    for (std::size_t at = 0; at + texts_each <= texts.size(); at += texts_each) {
        all.push_back(info_of(texts, at));
    }
    return all;
}

Answer info(const Call& call) {
    const auto path = asked_path(call);
    const auto output = file_work(call, path, std::string("find -H \"$1\" -maxdepth 0 -printf ") + described, {path});
    return json_answer(infos_of(output).at(0));
}

Answer list(const Call& call) {
    const auto path = plain_path(call.request.asked("path", "."));
    const auto depth = call.request.asked("depth", "1");
    const auto* digits = "0123456789";
    if (depth.empty() || depth.find_first_not_of(digits) != std::string::npos) {
        refuse_file(call, 400, "", "depth must be a whole number");
    }
    const auto output =
        file_work(call, path,
                  std::string(R"(cd -- "$1" && cd - > /dev/null && find -H "$1" -mindepth 1 -maxdepth "$2" -printf )") +
                      described,
                  {path, depth});
    auto all = infos_of(output);
    std::sort(all.begin(), all.end(), [](const Json& left, const Json& right) { return left["path"] < right["path"]; });
    return json_answer(all);
}

void check_mode(const Call& call, const std::string& mode) {
    if (mode.empty() || mode.size() > 4 || mode.find_first_not_of("01234567") != std::string::npos) {
        refuse_file(call, 400, "", "mode must be an octal number");
    }
}

Answer make_folder(const Call& call) {
    const auto path = asked_path(call);
    const auto mode = call.request.asked("mode");
    check_mode(call, mode);
    static_cast<void>(file_work(call, path, R"(mkdir -p -m "$2" -- "$1")", {path, mode}));
    return {201, {}, "", nullptr};
}

Answer remove(const Call& call) {
    const auto path = asked_path(call);
    const std::string script = R"(stat -- "$1" > /dev/null || exit 1
        [[ ! -d $1 || $2 == true ]] || { echo "cannot delete a directory without recursive" >&2; exit 1; }
        rm -r -- "$1")";
    static_cast<void>(file_work(call, path, script, {path, call.request.asked("recursive")}));
    return {204, {}, "", nullptr};
}

Answer move(const Call& call) {
    const auto source = asked_path(call, "source");
    const auto destination = asked_path(call, "destination");
    const std::string script = R"([[ ! -e $2 ]] || { echo "destination exists" >&2; exit 1; }
        mv -T -- "$1" "$2")";
    static_cast<void>(file_work(call, source, script, {source, destination}));
    return {200, {}, "", nullptr};
}

Answer permit(const Call& call) {
    const auto path = asked_path(call);
    const auto mode = call.request.asked("mode");
    if (!mode.empty()) check_mode(call, mode);
    const std::string script = R"(stat -- "$1" > /dev/null || exit 1
        [[ -z $2 ]] || chmod -- "$2" "$1" || exit 1
        [[ -z $3 ]] || chown -- "$3" "$1" || exit 1
        [[ -z $4 ]] || chgrp -- "$4" "$1")";
    static_cast<void>(
        file_work(call, path, script, {path, mode, call.request.asked("owner"), call.request.asked("group")}));
    return {200, {}, "", nullptr};
}

/// One range, as a client asks for what is missing after a broken download.
Answer ranged(const Call& call, Answer whole) {
    const auto range = call.request.header("range");
    if (range.rfind("bytes=", 0) != 0) return whole;
    std::size_t first = 0;
    auto last = whole.body.empty() ? 0 : whole.body.size() - 1;
    const auto* end = range.data() + range.size();
    const auto read = std::from_chars(range.data() + 6, end, first);
    if (read.ec != std::errc() || read.ptr == end || *read.ptr != '-') return whole;
    static_cast<void>(std::from_chars(read.ptr + 1, end, last));
    if (first >= whole.body.size()) return {416, {}, "", nullptr};
    last = std::min(last, whole.body.size() - 1);
    whole.headers.emplace_back("content-range", "bytes " + std::to_string(first) + "-" + std::to_string(last) + "/" +
                                                    std::to_string(whole.body.size()));
    whole.body = whole.body.substr(first, last - first + 1);
    whole.status = 206;
    return whole;
}

Answer download(const Call& call) {
    const auto path = call.request.asked("path");
    auto content = content_of(call, path);
    if (content.status != 200) refuse_file(call, content.status, content.code, content.text);
    const auto name = path.substr(path.rfind('/') + 1);
    return ranged(call, {200,
                         {{"content-type", "application/octet-stream"},
                          {"content-disposition", "attachment; filename=\"" + name + "\""},
                          {"accept-ranges", "bytes"}},
                         std::move(content.text),
                         nullptr});
}

}  // namespace

std::optional<Answer> file_endpoints(const Call& call) {
    if (call.is("GET", {"files"})) return list(call);
    if (call.is("GET", {"files", "info"})) return info(call);
    if (call.is("POST", {"files", "folder"})) return make_folder(call);
    if (call.is("DELETE", {"files"})) return remove(call);
    if (call.is("POST", {"files", "move"})) return move(call);
    if (call.is("POST", {"files", "permissions"})) return permit(call);
    if (call.is("GET", {"files", "download"})) return download(call);
    return std::nullopt;
}

}  // namespace standin::daytona
