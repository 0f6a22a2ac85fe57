import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { home } from '../support/home.ts';
import { Display, ElectronKiosk, findElectron, procStatus } from '../support/electron.ts';
import { Hall, until } from '../support/hall.ts';
import { tellFailures } from '../support/tell.ts';

const found = findElectron();
const missing = 'missing' in found ? found.missing : null;
const binary = 'binary' in found ? found.binary : '';

describe.skipIf(missing !== null)(
  missing === null ? 'in a real Electron' : `in a real Electron (skipped: ${missing})`,
  () => {
    let display: Display;
    let hall: Hall;
    let kiosk: ElectronKiosk;
    let kills = 0;

    const screen = (name: string, timeout = 20_000): Promise<unknown> =>
      kiosk.page.waitForSelector(`[data-screen="${name}"]`, { timeout });
    const tap = (intent: string, value?: string | number): Promise<void> =>
      kiosk.page.click(
        `[data-intent="${intent}"]${value === undefined ? '' : `[data-value="${value}"]`}`,
      );

    async function toPay(card: string, amountFen: number): Promise<void> {
      await home(kiosk.page);
      await hall.dock({ do: 'insert', id: card });
      await screen('amount');
      await tap('choose-amount', amountFen);
      await kiosk.page.waitForSelector(
        `[data-intent="pay"][data-value="${amountFen}"]:not([disabled])`,
      );
      await tap('pay', amountFen);
      await screen('pay');
      await kiosk.page.waitForSelector('[data-screen="pay"] svg[data-qr]');
    }

    /**
     * The newest order has ended, and what was paid for it is either on the card or back with the
     * customer.
     */
    async function conserved(
      id: string,
      amountFen: number,
      countBefore: number,
    ): Promise<'delivered' | 'refunded'> {
      const order = await until(
        'the end of the order',
        () => {
          const newest = hall.rows().orders.at(-1);
          return newest !== undefined && ['delivered', 'refunded'].includes(newest.state)
            ? newest
            : null;
        },
        60_000,
      );
      const attempts = hall.rows().attempts.filter((a) => a.orderId === order.orderId);
      const numbers = attempts.map((a) => a.outTradeNo);
      const books = await hall.books();
      const paid = books.orders.filter(
        (o) => numbers.includes(o.outTradeNo) && (o.state === 'SUCCESS' || o.state === 'REFUND'),
      );
      expect(paid.map((o) => o.total)).toEqual([amountFen]);
      const back = books.refunds
        .filter(
          (r) =>
            numbers.some((n) => (r as unknown as { outTradeNo: string }).outTradeNo === n) &&
            r.status === 'SUCCESS',
        )
        .reduce((sum, r) => sum + r.refund, 0);
      const { count } = await hall.card(id);
      expect({ count, back }).toEqual(
        order.state === 'delivered'
          ? { count: countBefore + 1, back: 0 }
          : { count: countBefore, back: amountFen },
      );
      return order.state as 'delivered' | 'refunded';
    }

    beforeAll(async () => {
      display = await Display.start();
      hall = await Hall.start(['--shell', 'none']);
      kiosk = await ElectronKiosk.launch(binary, display, hall);
    });
    // Each its own: one that fails leaves none of the others behind.
    afterAll(() => display?.stop());
    afterAll(() => hall?.dispose());
    afterAll(() => kiosk?.close());
    afterEach(async () => {
      await hall.dock({ do: 'remove' });
    });

    tellFailures(() => ({ hall, page: kiosk?.page }));

    test('a purchase from card to card, unprivileged and sandboxed', async () => {
      const main = kiosk.app.process().pid as number;
      expect(procStatus(main, 'Uid')).not.toMatch(/\b0\b/);
      const renderer = await kiosk.app.evaluate(
        ({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.webContents.getOSProcessId() ?? 0,
      );
      expect(procStatus(renderer, 'Seccomp')).toBe('2');
      expect(readlinkSync(`/proc/${renderer}/ns/user`)).not.toBe(
        readlinkSync(`/proc/${main}/ns/user`),
      );

      await toPay('golden', 10_000);
      await hall.dock({ do: 'pay' });
      await screen('done');
      expect(await kiosk.page.textContent('[data-screen="done"]')).toContain('37.73');
      expect(await hall.card('golden')).toEqual({ count: 42, quantity: 3773, cumulative: 208_773 });
      await until('a slip', async () => (await hall.state()).slips.length > 0);
      await hall.dock({ do: 'remove' });
      await home(kiosk.page);
      await until('upload', () => hall.rows().outbox === 0);
      expect((await hall.central()).accounts.find((a) => a.cardNo === '8800003921')).toMatchObject({
        count: 42,
        cumulative: 208_773,
        carriedMicro: 15_500,
      });
      expect(await hall.dock({ do: 'meter', id: 'golden' })).toMatchObject({
        visit: { accepted: true, credited: 3773 },
      });
      expect(hall.verify()).toMatchObject({ ok: true, problems: [] });
    });

    test.each(['on the pay screen', 'when the write begins'])(
      'the core is killed %s: it recovers by itself and no money is lost',
      async (when) => {
        const before = await hall.card('water');
        await toPay('water', 5_000);
        if (when === 'when the write begins') {
          // The screen is there for less than a tenth of a second.
          const writing = kiosk.page.evaluate(
            () =>
              new Promise<void>((seen) => {
                new MutationObserver(() => {
                  if (document.querySelector('[data-screen="writing"]') !== null) seen();
                }).observe(document.body, { subtree: true, childList: true, attributes: true });
              }),
          );
          await hall.dock({ do: 'pay' });
          await writing;
          await hall.dock({ do: 'kill', what: 'core' });
        } else {
          const recovering = kiosk.page.waitForSelector('[data-screen="out-of-service"]');
          await hall.dock({ do: 'kill', what: 'core' });
          await recovering;
          expect(await kiosk.page.textContent('[data-screen="out-of-service"]')).toContain(
            'CORE-0101',
          );
          await hall.dock({ do: 'pay' });
        }
        expect(await conserved('water', 5_000, before.count)).toBe('delivered');
        kills++;
        await until(
          'the restart in the log',
          () => kiosk.log.split('starting again in').length - 1 === kills,
        );
        await hall.dock({ do: 'remove' });
        await home(kiosk.page);
        await hall.dock({ do: 'meter', id: 'water' });
        expect(hall.verify()).toMatchObject({ ok: true, problems: [] });
      },
    );

    test('a page whose screen is gone on the pay screen is loaded anew, with the order on it', async () => {
      const before = await hall.card('water');
      await toPay('water', 5_000);
      const order = `document.querySelector('[data-screen="pay"]')?.textContent.includes('50.00') === true`;
      expect(await kiosk.inPage<boolean>(order)).toBe(true);
      // By its frames or by its picture, whichever is looked at first.
      const notices = (): number => kiosk.log.split('the page is alive and ').length;
      const noticed = notices();
      // A screen that still changes would fail to, and the page load itself anew.
      await until('the screen to rest', () =>
        kiosk.inPage<boolean>(`document.querySelector('[data-deaf]') === null`),
      );
      await kiosk.inPage(`document.getElementById('root').replaceChildren(); window.__old = true`);
      await until('the shell to notice', () => notices() > noticed, 30_000);
      await until('the page again', () =>
        kiosk.inPage<boolean>(`window.__old === undefined && ${order}`),
      );
      await hall.dock({ do: 'pay' });
      expect(await conserved('water', 5_000, before.count)).toBe('delivered');
      await hall.dock({ do: 'remove' });
      await home(kiosk.page);
      await hall.dock({ do: 'meter', id: 'water' });
    });

    test('messages of a wrong shape or from a wrong sender are dropped and logged', async () => {
      const { page } = kiosk;
      await screen('start');
      const revision = async (): Promise<number> =>
        Number(await page.getAttribute('[data-screen="start"]', 'data-revision'));
      const lines = (text: string): number => kiosk.log.split(text).length - 1;
      type Bridge = { pilotlight: { send(intent: unknown): void } };

      const wrong = [
        'open',
        null,
        7,
        [],
        {},
        { type: 'quit' },
        { type: 'set-locale', value: 'fr', screen: 'start', revision: 1 },
        { type: 'pay', value: -1, screen: 'start', revision: 1 },
        { type: 'pay', value: 1e12, screen: 'start', revision: 1 },
        { type: 'set-locale', value: 'en', screen: 'x'.repeat(1000), revision: 1 },
      ];
      await page.evaluate((messages) => {
        for (const m of messages) (globalThis as unknown as Bridge).pilotlight.send(m);
      }, wrong);
      await until(
        'the log',
        () => lines('pilotlight:intent: payload breaks the contract, dropped') === wrong.length,
      );
      await screen('start');

      // A second page with the very same preload, from elsewhere and from our own address.
      for (const url of ['about:blank', 'kiosk://app/']) {
        const before = lines('pilotlight:intent: not from our page, dropped');
        const intent = {
          type: 'set-locale',
          value: 'en',
          screen: 'start',
          revision: await revision(),
        };
        await kiosk.app.evaluate(
          async ({ BrowserWindow }, { to, code, preload }) => {
            const other = new BrowserWindow({
              show: false,
              webPreferences: { preload, sandbox: true, contextIsolation: true },
            });
            await other.loadURL(to);
            await other.webContents.executeJavaScript(code);
            setTimeout(() => other.destroy(), 500);
          },
          {
            to: url,
            code: `window.pilotlight.send(${JSON.stringify(intent)})`,
            preload: join(kiosk.user.folder, 'app', 'dist', 'electron', 'preload.cjs'),
          },
        );
        await until(
          'the log',
          () => lines('pilotlight:intent: not from our page, dropped') === before + 1,
        );
        await until('one window', () =>
          kiosk.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length === 1),
        );
      }
      expect(await page.textContent('[data-screen="start"]')).toContain('插入燃气卡');

      // The same message from our page is taken.
      await page.evaluate((intent) => (globalThis as unknown as Bridge).pilotlight.send(intent), {
        type: 'set-locale',
        value: 'en',
        screen: 'start',
        revision: await revision(),
      });
      await until(
        'English',
        async () => !(await page.textContent('[data-screen="start"]'))?.includes('插入燃气卡'),
      );
      await tap('set-locale', 'zh-CN');
      await until('Chinese', async () =>
        (await page.textContent('[data-screen="start"]'))?.includes('插入燃气卡'),
      );
    });

    test('the page has no way out: no Node, no permission, no navigation, no window, no download', async () => {
      const { page } = kiosk;
      await screen('start');
      // ---- nothing of Node's or Electron's
      expect(
        await page.evaluate(() =>
          [
            'require',
            'process',
            'module',
            'global',
            'Buffer',
            'ipcRenderer',
            'electron',
            '__dirname',
          ].filter((name) => name in globalThis),
        ),
      ).toEqual([]);
      expect(
        await page.evaluate(() =>
          Object.keys((globalThis as unknown as { pilotlight: object }).pilotlight).toSorted(),
        ),
      ).toEqual(['onSnapshot', 'painted', 'send']);

      // ---- permissions: asked about, and asked for
      const asked = await page.evaluate(async () => {
        const query = async (name: string): Promise<string> =>
          (await navigator.permissions.query({ name: name as PermissionName })).state;
        const why = (work: Promise<unknown>): Promise<string> =>
          work.then(
            () => 'granted',
            (error: Error) => error.name,
          );
        return {
          queried: await Promise.all(
            ['geolocation', 'notifications', 'camera', 'microphone', 'midi', 'clipboard-read'].map(
              (name) => query(name),
            ),
          ),
          geolocation: await new Promise((done) =>
            navigator.geolocation.getCurrentPosition(
              () => done('granted'),
              (error) => done(error.code),
            ),
          ),
          notification: await Notification.requestPermission(),
          camera: await why(navigator.mediaDevices.getUserMedia({ video: true })),
          microphone: await why(navigator.mediaDevices.getUserMedia({ audio: true })),
          screen: await why(navigator.mediaDevices.getDisplayMedia({ video: true })),
          clipboard: await why(navigator.clipboard.readText()),
        };
      });
      expect(new Set(asked.queried)).toEqual(new Set(['denied']));
      expect(asked).toMatchObject({
        geolocation: 1,
        notification: 'denied',
        clipboard: 'NotAllowedError',
      });
      expect(Object.values(asked)).not.toContain('granted');

      // ---- navigation and windows
      const still = async (): Promise<void> => {
        await new Promise((r) => setTimeout(r, 150));
        expect(page.url()).toBe('kiosk://app/');
        expect(
          await kiosk.app.evaluate(({ webContents }) => webContents.getAllWebContents().length),
        ).toBe(1);
        expect(await page.locator('[data-screen="start"]').count()).toBe(1);
      };
      for (const url of [
        'https://example.com/',
        'file:///etc/passwd',
        'kiosk://app/other',
        'kiosk://elsewhere/',
        'data:text/html,out',
        'chrome://gpu/',
      ]) {
        await page
          .evaluate((to) => {
            location.href = to;
          }, url)
          .catch(() => undefined);
        await still();
        expect(await page.evaluate((to) => window.open(to), url).catch(() => null)).toBeNull();
        await still();
        await page.evaluate((to) => {
          for (const target of ['_blank', '_self', '_top']) {
            const a = document.createElement('a');
            Object.assign(a, { href: to, target });
            document.body.append(a);
            a.click();
            a.remove();
          }
        }, url);
        await still();
      }
      await page.evaluate(() => {
        const form = Object.assign(document.createElement('form'), {
          action: 'https://example.com/',
          method: 'post',
        });
        document.body.append(form);
        form.submit();
        form.remove();
      });
      await still();
      // frames: refused by policy, so no foreign or own page ever sits inside ours
      for (const src of ['https://example.com/', 'kiosk://app/']) {
        await page.evaluate((to) => {
          document.body.append(
            Object.assign(document.createElement('iframe'), { src: to, id: 'frame' }),
          );
        }, src);
        await new Promise((r) => setTimeout(r, 150));
        expect(
          await page.evaluate(
            () =>
              (document.querySelector('#frame') as HTMLIFrameElement).contentDocument?.body
                .innerHTML ?? '',
          ),
        ).toBe('');
        await page.evaluate(() => document.querySelector('#frame')?.remove());
      }
      // a file's link dropped onto the page, as the system would do it
      const cdp = await page.context().newCDPSession(page);
      const data = {
        items: [{ mimeType: 'text/uri-list', data: 'file:///etc/passwd', baseURL: '', title: '' }],
        files: ['/etc/passwd'],
        dragOperationsMask: 1,
      };
      for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
        await cdp.send('Input.dispatchDragEvent', { type, x: 200, y: 200, data });
      await still();

      // ---- downloads
      await kiosk.app.evaluate(({ session }) => {
        const g = globalThis as unknown as { downloads: boolean[] };
        g.downloads = [];
        session.defaultSession.on('will-download', (event) =>
          g.downloads.push(event.defaultPrevented),
        );
      });
      await page.evaluate(() => {
        const a = Object.assign(document.createElement('a'), {
          href: URL.createObjectURL(new Blob(['out'])),
          download: 'out.txt',
        });
        document.body.append(a);
        a.click();
        a.remove();
      });
      expect(
        await until('the download', () =>
          kiosk.app
            .evaluate(() => (globalThis as unknown as { downloads: boolean[] }).downloads)
            .then((d) => d.length > 0 && d),
        ),
      ).toEqual([true]);
      await still();
      const home = join(kiosk.user.folder, 'home');
      expect(
        readdirSync(home, { recursive: true }).filter((name) => String(name).endsWith('out.txt')),
      ).toEqual([]);

      // ---- devtools
      expect(
        await kiosk.app.evaluate(({ BrowserWindow }) => {
          const contents = BrowserWindow.getAllWindows()[0]?.webContents;
          contents?.openDevTools();
          return contents?.isDevToolsOpened();
        }),
      ).toBe(false);
    });

    test('the renderer crashes on the pay screen: the same screen is back and the purchase goes on', async () => {
      // A denied navigation leaves Playwright's page waiting for its end; a crash ends that page
      // for good.
      await kiosk.close();
      kiosk = await ElectronKiosk.launch(binary, display, hall);
      const before = await hall.card('good');
      await toPay('good', 5_000);
      const shown = await kiosk.page.textContent('[data-screen="pay"]');
      const code = await kiosk.page.getAttribute('[data-screen="pay"] svg[data-qr]', 'data-qr');
      const crashed = new Promise((r) => kiosk.page.once('crash', r));
      await kiosk.app.evaluate(({ BrowserWindow }) =>
        BrowserWindow.getAllWindows()[0]?.webContents.forcefullyCrashRenderer(),
      );
      await crashed;
      await until('the pay screen again', () =>
        kiosk.inPage<boolean>(
          `document.querySelector('[data-screen="pay"] svg[data-qr]') !== null`,
        ),
      );
      expect(
        await kiosk.inPage(`document.querySelector('[data-screen="pay"]').textContent`),
      ).toContain(/\d{4,}/.exec(shown ?? '')?.[0]);
      expect(
        await kiosk.inPage<string>(
          `document.querySelector('[data-screen="pay"] svg[data-qr]').getAttribute('data-qr')`,
        ),
      ).toBe(code);
      expect(kiosk.log).toContain('renderer gone');
      await hall.dock({ do: 'pay' });
      await until('done', () =>
        kiosk.inPage<boolean>(`document.querySelector('[data-screen="done"]') !== null`),
      );
      expect((await hall.card('good')).count).toBe(before.count + 1);
      expect(await conserved('good', 5_000, before.count)).toBe('delivered');
      await hall.dock({ do: 'remove' });
      await hall.dock({ do: 'meter', id: 'good' });
    });

    test('a page that is alive and draws nothing is loaded anew', async () => {
      await kiosk.inPage(`document.getElementById('root').hidden = true`);
      await kiosk.app.evaluate(({ app }) =>
        app.emit('child-process-gone', {}, { type: 'GPU', reason: 'crashed' }),
      );
      await until('the look', () => kiosk.log.includes('the page is alive and nothing is drawn'));
      await until('the page again', () =>
        kiosk.inPage<boolean>(
          `!document.getElementById('root').hidden && document.querySelector('[data-screen]') !== null`,
        ),
      );
    });

    test('a quit ends the core too', async () => {
      const core = Number(readFileSync(join(hall.dataDir, 'kiosk', 'core.pid'), 'utf8'));
      expect(procStatus(core, 'Uid')).toBe(procStatus(kiosk.app.process().pid as number, 'Uid'));
      await kiosk.close();
      expect(existsSync(`/proc/${core}`)).toBe(false);
    });
  },
);
