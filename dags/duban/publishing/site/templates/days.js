"use strict";
// Shows the ranking of the day that the address names after "#". Data and table stand in the page; nothing is fetched, and texts are only
// ever set as text.
(() => {
  const { units, days } = JSON.parse(document.getElementById("days").textContent);
  const at = new Map(days.map((day, index) => [day[0], index]));
  const rows = new Map(Array.from(document.querySelectorAll("#rows tr"), (row) => [row.dataset.code, row]));
  const [body, total, input, calendar] = ["rows", "total", "day", "calendar"].map((id) => document.getElementById(id));
  const [earlier, later] = ["earlier", "later"].map((id) => document.getElementById(id));
  const section = document.querySelector(".day");
  const last = days.length - 1;
  let shown = last;

  const write = (element, text) => { element.textContent = text; };
  const parts = (iso) => iso.split("-").map(Number);
  const dayOf = (iso) => { const [year, month, day] = parts(iso); return new Date(Date.UTC(year, month - 1, day)); };
  const short = (iso) => { const [, month, day] = parts(iso); return `${month}月${day}日`; };
  const weekday = (iso) => "日一二三四五六"[dayOf(iso).getUTCDay()];
  const percent = (tenths) => (tenths === null ? "—" : `${Math.floor(tenths / 10)}.${tenths % 10}%`);
  // The nearest working day before (-1) or after (+1) a day; -1 when there is none.
  const workingDay = (index, step) => {
    for (let other = index + step; other >= 0 && other <= last; other += step) if (days[other][1]) return other;
    return -1;
  };

  const fill = (cells, [, tenths, assigned, rectified, overdue, reopened, oldest]) => {
    const width = assigned ? ((rectified / assigned) * 100).toFixed(3) : "0";
    const [track, bar] = cells[2].querySelectorAll("rect");
    track.setAttribute("width", assigned ? "100.000" : "0");
    bar.setAttribute("width", width);
    write(cells[2].querySelector(".number"), percent(tenths));
    cells[3].firstChild.data = rectified;
    write(cells[3].querySelector(".of"), ` / ${assigned}`);
    [assigned - rectified, overdue, reopened, oldest].forEach((count, place) => write(cells[4 + place], count));
  };

  const warn = (cell) => {
    cell.classList.toggle("alert", cell.textContent !== "0");
    cell.classList.toggle("zero", cell.textContent === "0");
  };

  const move = (cell, rank, before, hasMovement) => {
    const mark = cell.querySelector(".move");
    const climbed = before - rank;
    mark.className = "move";
    mark.removeAttribute("aria-label");
    mark.hidden = !hasMovement || rank === null;
    if (mark.hidden) return write(mark, "");
    if (before === null) {
      mark.setAttribute("aria-label", "上一工作日没有名次");
      return write(mark, "新");
    }
    if (climbed) mark.classList.add(climbed > 0 ? "up" : "down");
    mark.setAttribute("aria-label", climbed > 0 ? `上升${climbed}位` : climbed < 0 ? `下降${-climbed}位` : "名次不变");
    return write(mark, climbed > 0 ? `▲${climbed}` : climbed < 0 ? `▼${-climbed}` : "—");
  };

  const drawTable = () => {
    const [iso, isWorkingDay, , tenths, figures] = days[shown];
    const before = workingDay(shown, -1);
    const ranksBefore = before < 0 ? [] : days[before][4].map(([rank]) => rank);
    const hasMovement = ranksBefore.some((rank) => rank !== null);
    const sums = [null, tenths, 0, 0, 0, 0, 0];
    const order = units.map((unit, place) => ({ unit, place, figures: figures[place] }));
    order.sort((a, b) => a.unit[2] - b.unit[2] || b.unit[1] - a.unit[1] || (a.figures[0] ?? Infinity) - (b.figures[0] ?? Infinity) || a.place - b.place);
    for (const { unit: [code, isRanked, isOffice], place, figures: own } of order) {
      const row = rows.get(code);
      const rank = row.cells[0].querySelector(".rank");
      rank.classList.toggle("no", own[0] === null);
      write(rank, own[0] ?? (isRanked ? "无任务" : "不排名"));
      move(row.cells[0], own[0], ranksBefore[place] ?? null, hasMovement);
      fill(row.cells, own);
      [row.cells[5], row.cells[6]].forEach(warn);
      row.classList.toggle("unranked", own[0] === null);
      write(row.cells[8], isOffice ? "" : own[7] ? "已报" : isWorkingDay ? "未报" : "");
      for (const column of [2, 3, 4, 5]) sums[column] += own[column];
      sums[6] = Math.max(sums[6], own[6]);
      body.append(row);
    }
    fill(total.cells, sums);
    write(document.getElementById("compared"), hasMovement ? `升降与 ${short(days[before][0])}（上一工作日）相比` : "");
    return iso;
  };

  const drawCalendar = (iso, isFocused) => {
    const [year, month] = parts(iso);
    const first = new Date(Date.UTC(year, month - 1, 1));
    const length = new Date(Date.UTC(year, month, 0)).getUTCDate();
    const blank = (first.getUTCDay() + 6) % 7;
    write(calendar.caption, `${year}年${month}月`);
    const weeks = calendar.tBodies[0];
    weeks.replaceChildren();
    for (let cell = 0; cell < blank + length || cell % 7; cell += 1) {
      const week = cell % 7 ? weeks.lastChild : weeks.insertRow();
      const place = week.insertCell();
      const number = cell - blank + 1;
      if (number < 1 || number > length) continue;
      const name = `${iso.slice(0, 8)}${String(number).padStart(2, "0")}`;
      const index = at.get(name);
      if (index === undefined) { write(place, number); continue; }
      const link = document.createElement("a");
      link.href = `#${name}`;
      link.tabIndex = index === shown ? 0 : -1;
      write(link, number);
      const off = days[index][1] ? "" : days[index][2] || "休息日";
      link.setAttribute("aria-label", `${short(name)} 星期${weekday(name)}${off && ` ${off}`}`);
      if (off) { place.className = "off"; link.title = off; }
      if (index === shown) link.setAttribute("aria-current", "date");
      place.append(link);
    }
    if (isFocused) calendar.querySelector("[aria-current]").focus();
  };

  const draw = (isFocused = false) => {
    const iso = drawTable();
    const [year] = parts(iso);
    write(document.getElementById("date"), `${year}年${short(iso)} 星期${weekday(iso)}`);
    const off = document.getElementById("off");
    off.hidden = Boolean(days[shown][1]);
    write(off, days[shown][1] ? "" : days[shown][2] || "休息日");
    if (input.value !== iso) input.value = iso;
    earlier.setAttribute("aria-disabled", String(workingDay(shown, -1) < 0));
    later.setAttribute("aria-disabled", String(workingDay(shown, 1) < 0));
    drawCalendar(iso, isFocused);
  };

  const say = (text) => write(document.getElementById("missing"), text);
  const follow = () => {
    const name = window.location.hash.slice(1);
    if (name === "main") return; // the way past the menu
    const index = name === "" ? last : at.get(name);
    const isFocused = calendar.contains(document.activeElement);
    say(index === undefined ? "没有这一天的排名，显示的是最新一天" : "");
    shown = index ?? last;
    draw(isFocused);
    // a day that was chosen further down
    if (section.getBoundingClientRect().bottom < 0) section.scrollIntoView();
  };

  const go = (index) => {
    if (index < 0 || index > last) return;
    window.location.hash = days[index][0];
    follow(); // at once; the event of the address comes later
  };

  input.addEventListener("change", () => {
    if (at.has(input.value)) go(at.get(input.value));
    else say(`请选择 ${short(days[0][0])}至${short(days[last][0])}之间的日期`);
  });
  earlier.addEventListener("click", () => go(workingDay(shown, -1)));
  later.addEventListener("click", () => go(workingDay(shown, 1)));
  calendar.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7, PageUp: -30, PageDown: 30 }[event.key];
    if (step === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    go(Math.min(Math.max(shown + step, 0), last));
  });
  window.addEventListener("hashchange", follow);
  document.getElementById("controls").hidden = false;
  follow();
})();
