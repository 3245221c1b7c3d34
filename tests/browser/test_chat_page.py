"""The chat page in a real browser, against a real gateway."""

from __future__ import annotations

import trio

from tests.browser.visits import browser_test, chatting, enter, say, shows, somebody_says

PEOPLE = "[...document.querySelectorAll('#people li')].map((one) => one.textContent)"
AWAY = "(({scrollHeight: h, scrollTop: t, clientHeight: c}) => h - t - c)(document.querySelector('#log'))"
"""How far the log is scrolled up."""


@browser_test
async def test_two_people_chat_see_each_other_type_and_go() -> None:
    async with chatting() as (browser, running):
        ann, bob = await enter(browser, running, "Ann"), await enter(browser, running, "Bob")
        await ann.until(f"JSON.stringify({PEOPLE}) === JSON.stringify(['AAnnyou', 'BBob'])")
        await bob.write("#message", "hello")
        await ann.says("#typing", "Bob is typing…")
        await bob.press("Enter")
        await shows(ann, "hello")
        assert await ann.text("#typing") == ""
        await say(ann, "two\nlines")
        await shows(bob, "hello", "two\nlines")
        await shows(ann, "hello", "two\nlines")
        await bob.close()
        await ann.until(f"JSON.stringify({PEOPLE}) === JSON.stringify(['AAnnyou'])")
        assert ann.complaints == []
        assert {url.removeprefix(running.url).split("/")[0] for url in ann.requested} == {""}


@browser_test
async def test_one_person_on_two_devices_is_one_person() -> None:
    async with chatting() as (browser, running):
        person = await browser.person()
        first = await browser.tab(f"{running.url}/", person)
        await first.write("#name", "Ann")
        await first.press("Enter")
        second = await browser.tab(f"{running.url}/", person)  # the name is remembered
        await first.says("#people", "2 devices")
        await say(second, "from my phone")
        await shows(first, "from my phone")
        assert await first.text("#all-unread") == "0"
        await second.close()
        await first.until("!document.querySelector('#people').textContent.includes('devices')")


@browser_test
async def test_a_crash_is_survived_by_the_connection_and_watched_by_its_owner() -> None:
    async with chatting() as (browser, running):
        ann, bob = await enter(browser, running, "Ann"), await enter(browser, running, "Bob")
        await ann.says("#incarnation", "1")
        before = await ann.text("#pid")
        await ann.click("#crash")
        await ann.says("#incarnation", "2")
        await ann.says("#outcome", "Crashed, back after ")
        after = await ann.text("#pid")
        assert after != before
        await ann.says("#log", f"{before} is gone, {after} serves you.")
        await say(ann, "still here")
        await shows(bob, "still here")
        assert await bob.text("#incarnation") == "1"
        assert running.metrics.crashed == 1
        assert running.metrics.given_up == 0


@browser_test
async def test_too_many_crashes_close_the_connection_and_the_page_says_so_and_comes_back() -> None:
    async with chatting() as (browser, running):
        ann = await enter(browser, running, "Ann")
        for crashes in range(1, 6):
            await ann.until("!document.querySelector('#crash').disabled")
            await ann.click("#crash")
            await ann.says("#incarnation", str(crashes + 1))
        await ann.until("!document.querySelector('#crash').disabled")
        await ann.click("#crash")
        await ann.says("#log", "closed this connection (1011)")
        await ann.says("#log", "Connected again.")
        await ann.says("#incarnation", "1")
        await say(ann, "as if nothing had happened")
        await shows(ann, "as if nothing had happened")
        assert running.metrics.given_up == 1


@browser_test
async def test_nothing_that_anybody_writes_is_ever_markup() -> None:
    name, body = "<b onclick=x()>", "<img src=x onerror='window.hacked=1'><script>window.hacked=1</script>"
    async with chatting() as (browser, running):
        ann, eve = await enter(browser, running, "Ann"), await enter(browser, running, name)
        await eve.write("#message", body)
        await ann.says("#typing", f"{name} is typing…")
        await eve.press("Enter")
        await shows(ann, body)
        await ann.says("#people", name)
        await ann.says("#log .head .name", name)
        assert await ann.value("document.querySelectorAll('#log img, #log script, #log b, #people b').length") == 0
        assert await ann.value("window.hacked") is None
        blocked = """new Promise((done) => {
            const script = document.createElement('script');
            script.textContent = 'window.hacked = 1';
            document.addEventListener('securitypolicyviolation', (event) => done(event.effectiveDirective));
            document.body.append(script);
        })"""
        assert await ann.value(blocked) == "script-src-elem"  # and if it were, the browser would not run it
        assert await ann.value("window.hacked") is None


@browser_test
async def test_what_is_too_long_or_too_fast_is_said_and_not_lost() -> None:
    async with chatting() as (browser, running):
        ann = await enter(browser, running, "Ann")
        await ann.write("#message", "\N{SEEDLING}" * 1_025)  # characters, not UTF-16 units
        await ann.says("#composer-error", "Too long by 1.")
        assert await ann.text("#length") == "1,025 / 1,024"
        await ann.press("Enter")
        assert await ann.value(
            "document.querySelector('#send').disabled && document.querySelector('#message').value !== ''"
        )
        await ann.value("document.querySelector('#message').value = ''")
        await ann.write("#message", "\N{SEEDLING}" * 1_024)
        await ann.press("Enter")
        await shows(ann, "\N{SEEDLING}" * 1_024)
        burst = """
            for (let n = 0; n < 60; n++) {
                document.querySelector('#message').value = `m${n}`;
                document.querySelector('#composer').requestSubmit();
            }"""
        await ann.value(burst)
        await ann.says("#log", "Not sent: that was too fast.")
        failed, sending = (
            f"document.querySelectorAll('[data-state={state}]').length" for state in ("failed", "sending")
        )
        count = await ann.until(f"{sending} === 0 && {failed}")
        await trio.sleep(1.5)  # until the rate allows a few again: the server has a clock of its own
        await ann.click("[data-state=failed] .link")
        await ann.until(f"{sending} === 0 && {failed} === {count - 1}")


@browser_test
async def test_rooms_have_addresses_and_count_what_is_unread_in_them() -> None:
    async with chatting() as (browser, running):
        ann = await enter(browser, running, "Ann")
        await ann.write("#room-name", "a room")
        await ann.press("Enter")
        await ann.says("#room-error", "1 to 64 letters")
        await ann.value("document.querySelector('#room-name').value = ''")
        await ann.write("#room-name", "coffee")
        await ann.press("Enter")
        await ann.until("location.hash === '#coffee'")
        assert await ann.text("#room-error") == ""
        await somebody_says(running.port, "one", "two")
        await ann.says("#room-list a[href='#lobby'] .badge", "2")
        await ann.until("document.title === '(2) #coffee · Regrow'")
        await ann.value("location.hash = '#lobby'")
        await shows(ann, "one", "two")
        await ann.until("document.title === '#lobby · Regrow'")
        await ann.value("location.hash = '#coffee'")
        await ann.click("#leave")
        await ann.until("!document.querySelector('#room-list').textContent.includes('coffee')")


@browser_test
async def test_a_reader_who_has_scrolled_up_is_not_moved() -> None:
    async with chatting() as (browser, running):
        ann = await enter(browser, running, "Ann")
        await ann.resize(700, 420)
        await somebody_says(running.port, *(f"line {n}" for n in range(30)))
        await ann.says("#log", "line 29")
        await ann.until(f"{AWAY} < 2")
        await ann.value("document.querySelector('#log').scrollTop = 0")
        await ann.until(f"{AWAY} > 100")
        await somebody_says(running.port, "behind")
        await ann.until("!document.querySelector('#latest').hidden")
        assert await ann.value("document.querySelector('#log').scrollTop") == 0
        await ann.click("#latest")
        await ann.until(f"{AWAY} < 2 && document.querySelector('#latest').hidden")


@browser_test
async def test_on_a_phone_nothing_is_wider_than_the_screen_and_the_panels_open_and_close_by_key() -> None:
    async with chatting() as (browser, running):
        ann = await enter(browser, running, "Ann")
        await ann.resize(360, 640)
        await say(ann, "w" * 300)
        await ann.says("#log", "www")
        visible = "getComputedStyle(document.querySelector('#details')).visibility === 'visible'"
        for scheme in ("light", "dark"):
            await ann.prefer(scheme)
            assert await ann.value("document.documentElement.scrollWidth <= 360")
            assert await ann.value("document.querySelector('#log').scrollWidth <= 360")
            assert (await ann.picture())[:4] == b"\x89PNG"
        assert not await ann.value(visible)
        await ann.click("#show-details")
        await ann.until(visible)
        assert await ann.value("document.querySelector('#show-details').getAttribute('aria-expanded')") == "true"
        await ann.press("Escape")
        await ann.until(f"!({visible})")
        assert await ann.value("document.activeElement.id") == "show-details"


@browser_test
async def test_a_name_is_asked_for_and_can_be_changed() -> None:
    async with chatting() as (browser, running):
        ann = await browser.tab(f"{running.url}/")
        await ann.press("Enter")
        await ann.says("#name-error", "at least one character")
        await ann.press("Escape")
        assert await ann.value("document.querySelector('#name-dialog').open")
        await ann.write("#name", "x" * 33)
        await ann.press("Enter")
        await ann.says("#name-error", "at most 32 characters")
        await ann.value("document.querySelector('#name').value = ''")
        await ann.write("#name", "Ann")
        await ann.press("Enter")
        await ann.until(f"JSON.stringify({PEOPLE}) === JSON.stringify(['AAnnyou'])")
        await ann.click("#rename")
        await ann.value("document.querySelector('#name').value = ''")
        await ann.write("#name", "Anna")
        await ann.press("Enter")
        await ann.until(f"JSON.stringify({PEOPLE}) === JSON.stringify(['AAnnayou'])")
        await say(ann, "it is still me")
        await shows(ann, "it is still me")
        assert await ann.text("#log .head .name") == "Anna"


@browser_test
async def test_everything_that_can_be_pressed_or_filled_in_has_a_name() -> None:
    async with chatting() as (browser, running):
        ann = await enter(browser, running, "Ann")
        await say(ann, "hello")
        await shows(ann, "hello")
        tree = (await ann.send("Accessibility.getFullAXTree"))["nodes"]
        shown = [node for node in tree if not node["ignored"]]
        roles = {node["role"]["value"] for node in shown}
        assert {"main", "navigation", "complementary", "log", "textbox", "button", "status", "article"} <= roles
        nameless = [
            node
            for node in shown
            if node["role"]["value"] in {"button", "link", "textbox", "log", "navigation", "complementary", "dialog"}
            and not node.get("name", {}).get("value")
        ]
        assert nameless == []
