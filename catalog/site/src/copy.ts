/** Gives each piece of code its button, which copies exactly what is shown; without a script there is none. */
for (const button of document.querySelectorAll<HTMLButtonElement>('[data-copy]')) {
  button.hidden = false;
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(button.parentElement!.querySelector('code')!.textContent);
    button.textContent = 'Copied';
    setTimeout(() => {
      button.textContent = 'Copy';
    }, 2_000);
  });
}

/** An address that another program is given must be whole: it is known only where the site stands. */
for (const line of document.querySelectorAll<HTMLElement>('[data-absolute]')) {
  const root = new URL(document.documentElement.dataset.base ?? '/', location.href);
  const code = line.querySelector('code')!;
  code.textContent = code.textContent.replace(/https:\/\/\S+/, new URL(line.dataset.absolute!, root).href);
}

export {};
