// Starts the dashboard.
import { QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { makeQueryClient } from './api/queries';
import { startSession } from './api/session';
import { App } from './app';
import './styles/base.css';
import './styles/parts.css';
import './styles/pages.css';
import './styles/search.css';
import './styles/artifacts.css';
import './styles/access.css';
import './styles/registry.css';
import { movedWorkspace } from './lib/workspace';

/** Links that MLflow's clients print name the workspace where only the page sees it. */
function followWorkspace(): void {
  const there = movedWorkspace(location.search, location.hash);
  if (there !== undefined) location.replace(there);
}
window.addEventListener('hashchange', followWorkspace);
followWorkspace();
startSession();

const root = document.getElementById('root');
if (root)
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={makeQueryClient()}>
        <App />
      </QueryClientProvider>
    </StrictMode>,
  );
