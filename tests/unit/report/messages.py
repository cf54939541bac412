#!/usr/bin/env python3
"""Compares the message ids in src/report with data/messages/{ja,en}/report.msg, both ways.

Ids appear in C as MSG("id") or CHANGE_MESSAGES("id") only.  Also checks that both languages use
the same places except where they differ on purpose, and that the fixed wordings stand.
"""
import glob
import os
import re
import sys

ROOT = os.environ.get("TEITEN_SOURCE") or os.path.join(os.path.dirname(__file__), "../../..")
STATES = ["no-data", "new", "none", "up", "down", "same"]
FIXED = ["前期は検知なし", "前期は観測データなし", "受信数が最多のセンサーの割合",
         "DoS攻撃の被害を受けたとみられるIPアドレス", "観測稼働率", "Miraiの特徴を有する",
         "Miraiの特徴を有しない", "今週の3行まとめ", "前期比(増減)", "↑ (圏外から)",
         "センサーのIPアドレス1個が1日に受信したパケット数の平均",
         "送信元の国・地域は攻撃者の所在を示すものではありません(踏み台・詐称の可能性)"]
FORBIDDEN = ["前期は観測なし", "センサー固有", "最大センサーの寄与", "被害先", "カバレッジ", "三行",
             "今日のひとこと"]


def ids_in_c():
    ids = set()
    for path in glob.glob(os.path.join(ROOT, "src/report/*.c")):
        text = open(path, encoding="utf-8").read()
        ids.update(re.findall(r'MSG\("([^"]+)"\)', text))
        for stem in re.findall(r'CHANGE_MESSAGES\("([^"]+)"\)', text):
            ids.update(stem + "." + state for state in STATES)
    return ids


def messages(language):
    path = os.path.join(ROOT, "data/messages", language, "report.msg")
    found = {}
    last = None
    for line in open(path, encoding="utf-8"):
        line = line.rstrip("\n")
        if line.startswith("\t"):
            found[last] += line[1:]
        elif line and not line.startswith("#"):
            last, text = (part.strip() for part in line.split("=", 1))
            assert last not in found, f"{path}: {last} twice"
            found[last] = text
    return found


def main():
    wanted = ids_in_c()
    texts = {language: messages(language) for language in ("ja", "en")}
    tests = []
    for language, found in texts.items():
        tests.append((f"{language} has every id used in C", sorted(wanted - set(found))))
        tests.append((f"{language} has no id that C does not use", sorted(set(found) - wanted)))
        tests.append((f"{language} has no empty message", [i for i, t in found.items() if not t]))
    ja = "\n".join(texts["ja"].values())
    tests.append(("fixed wordings stand", [w for w in FIXED if w not in ja]))
    tests.append(("replaced wordings are gone", [w for w in FORBIDDEN if w in ja]))
    tests.append(("no Japanese in the English file", [
        i for i, t in texts["en"].items() if re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", t)]))
    print(f"1..{len(tests)}")
    failed = 0
    for number, (name, wrong) in enumerate(tests, 1):
        print(f"{'not ok' if wrong else 'ok'} {number} - {name}")
        if wrong:
            failed += 1
            print("# " + ", ".join(wrong))
    sys.exit(1 if failed else 0)


main()
